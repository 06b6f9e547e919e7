"""``write_report``, and whatever a study may be."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

from tests.study.report.studies import batches, cell, samples, study, swept, timeline
from thunderagent.study.document import METRICS, Cell, Study, Track
from thunderagent.study.report import write_report


def full(policy: str, load: float, value: float) -> Cell:
    """A cell in which every metric has this value."""
    return cell(policy, load, **dict.fromkeys(METRICS, value))


ODD = {
    "empty": study(),
    "no metrics": study(cell("tr"), cell("thunder", 1.0)),
    "one policy, one seed": study(full("tr", 4.0, 1.0)),
    "nothing but zeros": study(*(full(policy, load, 0.0) for policy in ("tr", "bound") for load in (1.0, 2.0))),
    "no numbers": study(*(full("tr", load, math.nan) for load in (0.0, 1.0, 2.0))),
    "some numbers": study(full("tr", 1.0, math.nan), full("tr", 2.0, 0.5), full("thunder", math.nan, 1.0)),
    "huge and negative": study(full("tr", 1e-9, 1e200), full("tr", 1e9, -5.0)),
    "forty policies": study(*(cell(f"policy-{n}", load, steps_per_min=1.0 + n) for n in range(40) for load in (1.0, 2.0))),
    "long names": study(
        *(cell("policy " * 50, load, workload="workload " * 50, wait_max_s=1.0, makespan_s=1.0) for load in (0.0, 1.0, 2.0)),
        timelines=[timeline(policy="policy " * 50, tracks=[Track("program" * 50, [("tool", 0.0, 1.0)])])],
        title="title " * 200,
    ),
    "odd names": study(cell("a\ud800\x00\n", workload="$\\frac{", hit_rate=0.5), title="\ud800", notes=["\x00"]),
    "odd timelines": study(
        timelines=[
            timeline(engines=[], tracks=[]),
            timeline(engines=[samples(steps=1)], tracks=[Track("a", [("unknown", 0.0, 0.0), ("tool", math.nan, 1.0)])]),
        ]
    ),
}


def test_everything_is_written_and_named_by_what_it_shows(tmp_path: Path) -> None:
    of = study(*swept().cells, *batches().cells, timelines=[timeline()])
    folder = tmp_path / "new" / "report"
    written = write_report(of, folder)

    assert [path.name for path in written] == [
        "report.html",
        "study.json",
        "throughput.png",
        "hit-rate.png",
        "waits.png",
        "makespan.png",
        "occupancy-swe-thunder.png",
        "programs-swe-thunder.png",
    ]
    assert sorted(folder.iterdir()) == sorted(written)
    assert Study.from_json((folder / "study.json").read_text(encoding="utf-8")) == of
    assert written[0].read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_report_is_written_again_over_an_old_one(tmp_path: Path) -> None:
    write_report(swept(), tmp_path)
    first = (tmp_path / "report.html").read_text(encoding="utf-8")
    write_report(swept(), tmp_path)

    assert (tmp_path / "report.html").read_text(encoding="utf-8") == first


@pytest.mark.parametrize("of", ODD.values(), ids=ODD.keys())
def test_whatever_a_study_is_it_has_a_report(of: Study, tmp_path: Path) -> None:
    written = write_report(of, tmp_path)

    assert all(path.stat().st_size for path in written)


def test_the_document_needs_no_library_and_tables_need_no_matplotlib() -> None:
    code = """
import sys
import thunderagent.study.document, thunderagent.study.report
print([name for name in ("rich", "jinja2", "matplotlib", "numpy") if name in sys.modules])
import thunderagent.study.report.table
print([name for name in ("jinja2", "matplotlib", "numpy") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["[]", "[]"]
