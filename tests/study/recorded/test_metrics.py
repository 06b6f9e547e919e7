"""The numbers of runs, and their comparison."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("msgspec")
pytest.importorskip("numpy")

import numpy as np

from tests.study.recorded.runs import busy, run, step
from thunderagent.study.recorded.metrics import METRICS, Row, compare, measured
from thunderagent.study.recorded.over_time import over_time, part_of
from thunderagent.study.recorded.run import Run, Sandboxes


def row(metric: str, mine: Run, other: Run | None = None) -> Row:
    return next(row for row in compare(mine, other) if row.metric == metric)


def test_a_run_has_its_numbers(tmp_path: Path) -> None:
    found = measured(run(tmp_path, step("a"), step("b"), step("a", 2, 15, tool_call_s=10.0), step("b", 2, 15, outcome="failed")))

    assert found["length_s"] == 20
    assert found["steps_per_min"] == 9
    assert found["output_tokens_per_s"] == 2
    assert found["hit_rate"] == 0.5
    assert found["reprefilled_tokens"] == 80
    assert found["turn_p50_s"] == 5
    assert found["wait_p50_s"] == found["wait_max_s"] == 2
    assert found["engine_p99_s"] == 3
    assert found["tool_s"] == 10
    assert (found["programs"], found["steps"], found["failed"]) == (2, 3, 1)
    assert "hidden_share" not in found


def test_what_the_engine_does_not_tell_is_not_there(tmp_path: Path) -> None:
    found = measured(run(tmp_path, step(cached_tokens=None, reprefilled_tokens=None)))
    assert not {"hit_rate", "reprefilled_tokens"} & found.keys()
    nothing_done = measured(run(tmp_path, step(outcome="lost")))
    assert nothing_done["steps_per_min"] == 0
    assert "turn_p99_s" not in nothing_done
    assert found.keys() <= METRICS.keys()


def test_hidden_preparation_is_a_share_of_all(tmp_path: Path) -> None:
    found = run(tmp_path, step())
    some = Run("run", found.path, found.steps, Sandboxes(used=1, prepare_s=4, hidden_s=3))
    assert row("hidden_share", some).value == "75.0%"


def test_the_better_run_is_told_by_how_many_times(tmp_path: Path) -> None:
    quick, slow = run(tmp_path / "a", step()), run(tmp_path / "b", step(reprefilled_tokens=60), step("a", 2, 20))

    assert row("steps_per_min", quick, slow) == Row("steps_per_min", "12", "4.80", "2.50x", True, "2.50x better")
    assert row("reprefilled_tokens", quick, slow) == Row("reprefilled_tokens", "20", "80", "0.25x", True, "4.00x better")
    assert row("length_s", slow, quick) == Row("length_s", "25 s", "5 s", "5.00x", False, "5.00x worse")
    assert row("programs", quick, slow).verdict == ""
    assert row("wait_p99_s", quick, slow).verdict == "", "both wait as long"


def test_waits_are_not_compared_where_the_queue_is_not_told(tmp_path: Path) -> None:
    held = run(tmp_path / "a", step(queue_s=None, pause_s=4.0))
    queued = run(tmp_path / "b", step(queue_s=None, pause_s=0.0))

    found = row("wait_p99_s", held, queued)
    assert (found.value, found.other, found.ratio, found.better) == ("4", "0", "", None)


def test_waits_of_microseconds_read_as_such_and_make_nobody_better(tmp_path: Path) -> None:
    one, two = run(tmp_path / "a", step(pause_s=1e-5, queue_s=0.0)), run(tmp_path / "b", step(pause_s=2e-5, queue_s=0.0))
    assert row("wait_p50_s", one, two) == Row("wait_p50_s", "<0.01", "<0.01")


def test_hours_are_told_as_hours(tmp_path: Path) -> None:
    found = run(tmp_path, step(), step("a", 2, 8 * 3600))
    assert row("length_s", found).value == "8.00 h"


def test_all_steps_are_somewhere_in_time(tmp_path: Path) -> None:
    steps = run(tmp_path, *busy()).steps
    series = over_time(steps, part_of(steps.length_s, len(steps)))

    seconds = np.diff(series.edges)
    assert float((series.steps_per_min * seconds).sum() / 60) == pytest.approx(len(steps))
    assert float((series.reprefilled_per_s * seconds).sum()) == pytest.approx(20 * len(steps))
    assert set(series.hit_rate[np.isfinite(series.hit_rate)]) == {0.5}
    assert series.edges[-1] == steps.length_s
    spent = {state: float((some * seconds).sum()) for state, some in series.doing.items()}
    assert spent["decode"] == pytest.approx(2 * len(steps))
    assert sum(float((some * seconds).sum()) for some in series.engines.values()) == pytest.approx(
        spent["decode"] + spent["prefill"] + spent["queued"]
    )


def test_a_run_without_any_length_has_a_part_all_the_same(tmp_path: Path) -> None:
    steps = run(tmp_path, step(completed_at=0.0)).steps
    series = over_time(steps, part_of(steps.length_s, len(steps)))
    assert np.isfinite(series.steps_per_min).all()


def test_what_nobody_told_is_not_drawn_as_nothing(tmp_path: Path) -> None:
    steps = run(tmp_path, step(cached_tokens=None, reprefilled_tokens=None)).steps
    series = over_time(steps, 1.0)
    assert np.isnan(series.hit_rate).all()
    assert np.isnan(series.reprefilled_per_s).all()
