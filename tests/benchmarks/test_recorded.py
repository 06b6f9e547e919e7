"""The benchmark of reports: the profile that it makes, and what it measures."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("msgspec")

from benchmarks.observe import recorded
from thunderagent.study.recorded import read_run


def test_the_profile_of_the_benchmark_is_one_of_a_busy_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "STEPS_EACH", 5)
    recorded.write_profile(tmp_path / "profile.jsonl", 1_000)

    run = read_run(tmp_path / "profile.jsonl", "run")

    assert (len(run.steps), len(run.steps.first)) == (1_000, 200)
    assert run.notes == []
    assert set(run.steps.last() - run.steps.first + 1) == {5}


def test_the_whole_command_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "STEPS", 2_000)

    figures = recorded.measure(quick=True)

    assert figures["report_s"].value > 0
    assert figures["report_peak_rss_mb"].value > 20
    assert all(figure.met for figure in figures.values())
