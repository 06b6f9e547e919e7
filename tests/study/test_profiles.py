"""A simulated run leaves the profiles of a real one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.study.support import BATCH, CROWDED, STEADY
from thunderagent.adapters.traces import open_trace
from thunderagent.adapters.tracking import CSV_COLUMNS
from thunderagent.simulation.experiments import Experiment
from thunderagent.study.job import Job, run


def profile(folder: Path, experiment: Experiment = STEADY, contender: str = "thunder") -> list[dict[str, Any]]:
    run(Job(experiment, contender, [CROWDED, CROWDED], 3, profile_dir=folder))
    (made,) = folder.iterdir()
    lines = [json.loads(line) for line in (made / "profile.jsonl").read_text().splitlines()]
    assert len((made / "profile.csv").read_text().splitlines()) == len(lines) + 1
    return lines


def test_steps_add_up_to_the_figures_of_the_study(tmp_path: Path) -> None:
    cell, _ = run(Job(STEADY, "thunder", [CROWDED], 3, profile_dir=tmp_path))
    lines = [json.loads(line) for line in (tmp_path / "search-thunder-load2-seed3" / "profile.jsonl").read_text().splitlines()]
    assert len(lines) == pytest.approx(cell.metrics["steps_per_min"] * STEADY.measured_s / 60)
    hits = sum(line["cached_tokens"] for line in lines) / sum(line["prompt_tokens"] for line in lines)
    assert hits == pytest.approx(cell.metrics["hit_rate"])
    waits_s = sorted(line["pause_s"] + line["queue_s"] for line in lines)
    assert waits_s[-1] <= cell.metrics["wait_max_s"] + 1e-9
    assert all(line["completed_at"] > STEADY.warm_up_s for line in lines)


def test_the_parts_of_each_step_fill_its_time_and_steps_follow_one_another(tmp_path: Path) -> None:
    lines = profile(tmp_path, BATCH)
    ends: dict[str, tuple[int, float]] = {}
    for line in sorted(lines, key=lambda line: line["completed_at"]):
        parts_s = line["pause_s"] + line["queue_s"] + line["prefill_s"] + line["decode_s"]
        assert line["arrived_at"] + parts_s == pytest.approx(line["completed_at"])
        steps, end_at = ends.get(line["program_id"], (0, line["arrived_at"]))
        assert line["step_id"] == steps + 1
        assert end_at + line["tool_call_s"] == pytest.approx(line["arrived_at"])
        ends[line["program_id"]] = steps + 1, line["completed_at"]
    assert list(lines[0]) == CSV_COLUMNS
    assert {line["backend"] for line in lines} == {"engine-0", "engine-1"}


def test_the_same_simulation_again_takes_the_place_of_the_first(tmp_path: Path) -> None:
    first = profile(tmp_path, BATCH)
    assert profile(tmp_path, BATCH) == first
    (folder,) = tmp_path.iterdir()
    assert {path.name for path in folder.iterdir()} == {"profile.jsonl", "profile.csv"}


def test_it_can_be_replayed(tmp_path: Path) -> None:
    lines = profile(tmp_path, BATCH, "default")
    trace = open_trace(tmp_path / "batch-default-seed3" / "profile.jsonl")
    assert (trace.format, trace.turns, trace.notes) == ("profile", len(lines), ())
    assert trace.has_arrivals
