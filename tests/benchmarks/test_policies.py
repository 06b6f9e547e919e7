from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.policies import main


def run(line: str) -> None:
    main(line.split())


def test_a_tiny_comparison_prints_a_table_and_writes_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "figures.json"
    run(f"--workload search --policy default cap thunder --scale 0.005 --seeds 1 2 --load 0.5 --json {path}")

    printed = capsys.readouterr()
    assert "search, load 0.5" in printed.out
    assert "6/6" in printed.err
    assert "the best cap is" in printed.err
    written = json.loads(path.read_text())
    assert {"python", "platform", "cpus", "date", "commit", "version"} <= set(written["environment"])
    assert written["figures"]["search.default.ratio"] == {"value": 1.0, "unit": "of default", "goal": None}
    assert written["figures"]["search.thunder.turns_per_hour"]["value"] > 0


def test_an_rl_batch_tells_when_groups_are_complete(capsys: pytest.CaptureFixture[str]) -> None:
    run("--workload rl-batch --policy thunder --scale 0.02 --seeds 1")

    printed = capsys.readouterr().out
    assert "makespan" in printed
    assert "group_half" in printed
    assert "ratio" not in printed  # nothing to be compared with was run


@pytest.mark.parametrize("wrong", ["--load 0", "--load nan", "--policy best", "--workload none"])
def test_wrong_options_end_with_what_is_allowed(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(wrong)

    assert ended.value.code == 2
    assert "error" in capsys.readouterr().err
