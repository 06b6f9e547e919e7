"""``thunderagent report``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import Command
from tests.study.report.studies import cell, study, swept
from thunderagent.study.document import Study


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "study.json").write_text(swept().to_json(), encoding="utf-8")
    return tmp_path / "study.json"


def test_a_report_is_made_again_beside_its_study(thunderagent: Command, path: Path) -> None:
    ran = thunderagent("report", path)

    assert ran.status == 0
    assert "swe, load 4" in ran.out
    assert f"{path.parent}/report.html\n" in ran.out
    assert {"report.html", "study.json"} < {made.name for made in path.parent.iterdir()}
    assert Study.from_json(path.read_text(encoding="utf-8")) == swept()


def test_a_report_can_be_made_elsewhere(thunderagent: Command, path: Path, tmp_path: Path) -> None:
    assert thunderagent("report", path, "-o", tmp_path / "new" / "there").status == 0
    assert (tmp_path / "new" / "there" / "report.html").exists()
    assert not (path.parent / "report.html").exists()


def test_a_study_that_is_not_there_is_told(thunderagent: Command, tmp_path: Path) -> None:
    assert thunderagent("report", tmp_path / "none.json").problem.startswith(f"{tmp_path}/none.json cannot be read: ")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"{", "no study can be read from it"),
        (b"\xff\xfe", "cannot be read"),
        (b"{}", "no version 1"),
        (study(cell("thunder")).to_json().replace('"title"', '"name"').encode(), "'title' is missing"),
    ],
)
def test_a_file_that_is_no_study_is_told_with_its_name(
    thunderagent: Command, tmp_path: Path, content: bytes, problem: str
) -> None:
    (tmp_path / "wrong.json").write_bytes(content)

    told = thunderagent("report", tmp_path / "wrong.json").problem
    assert told.startswith(f"{tmp_path}/wrong.json")
    assert problem in told


def test_a_folder_that_cannot_be_written_is_told(thunderagent: Command, path: Path) -> None:
    ran = thunderagent("report", path, "-o", path / "below")

    assert ran.status == 2
    assert f"error: --out={path}/below: cannot be written: Not a directory\n" in ran.err
