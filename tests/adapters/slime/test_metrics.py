"""Sums of a step."""

from __future__ import annotations

from typing import Any

import pytest

from thunderagent.adapters.slime.metrics import StepLog, StepNotes
from thunderagent.adapters.tracking.axes import TRAINING
from thunderagent.config import ThunderConfig, build_policy
from thunderagent.runtime import Runtime, StepProfile


def profile(program_id: str = "train/1/a", **more: Any) -> StepProfile:
    values = {
        **{"program_id": program_id, "step_id": 1, "prefill_s": 1.0, "decode_s": 2.0, "pause_s": 1.0, "tool_call_s": 0.0},
        **{"kv_hit_rate": 0.5, "completed_at": 10.0, "arrived_at": 6.0, "queue_s": 0.0, "prompt_tokens": 100},
        **{"cached_tokens": 50, "completion_tokens": 10, "reprefilled_tokens": 5, "backend": "b1", "group": "train/1"},
        **{"phase": "", "outcome": "completed"},
    }
    return StepProfile(**values | more)


@pytest.fixture
def runtime() -> Runtime:
    return Runtime(build_policy(ThunderConfig()))


def test_what_is_told_is_of_this_step_and_this_phase(runtime: Runtime) -> None:
    log = StepLog()
    log.add(profile())
    log.add(profile(pause_s=3.0, cached_tokens=0, backend="b2"))
    log.add(profile(outcome="failed"))
    log.add(profile("eval/b", pause_s=9.0))
    log.add(profile("somebody"))
    told = log.take("train/", runtime)
    assert (told["turns"], told["failed_turns"], told["prompt_tokens"], told["reprefilled_tokens"]) == (3, 1, 200, 10)
    assert (told["kv_hit_rate"], told["worst_backend_kv_hit_rate"]) == (0.25, 0.0)
    assert (told["pause_mean_s"], told["pause_max_s"]) == (pytest.approx(5 / 3), 3.0)
    assert told["paused_share"] == pytest.approx(5 / (5 + 6))
    assert log.take("eval/", runtime)["pause_max_s"] == 9.0
    assert {name for name, _, _ in TRAINING} <= told.keys()  # the dashboard draws them
    nothing = log.take("train/", runtime)
    assert nothing.keys() == told.keys()
    assert not any(nothing.values())


def test_an_engine_that_tells_no_hits_is_not_the_worst(runtime: Runtime) -> None:
    log = StepLog()
    log.add(profile(cached_tokens=None))
    assert log.take("train/", runtime)["worst_backend_kv_hit_rate"] == 0.0
    log.add(profile(cached_tokens=None, backend="b2"))
    log.add(profile())
    assert log.take("train/", runtime)["worst_backend_kv_hit_rate"] == 0.5


def test_totals_of_the_scheduler_are_told_as_what_they_grew_by(runtime: Runtime) -> None:
    log = StepLog()
    runtime.scheduler.counters.pauses = 3
    assert log.take("train/", runtime)["pauses"] == 3
    runtime.scheduler.counters.pauses = 5
    assert log.take("train/", runtime)["pauses"] == 2


def test_notes_are_counted_by_phase_until_they_are_taken() -> None:
    notes = StepNotes()
    notes.count("train/", "failed_samples")
    notes.count("eval/", "aborted_samples")
    assert notes.take("train/") == {"aborted_samples": 0, "failed_samples": 1}
    assert notes.take("train/") == {"aborted_samples": 0, "failed_samples": 0}
