"""A window over steps: what a training step was like, phase by phase."""

from __future__ import annotations

from typing import Any

import pytest

from thunderagent.runtime import StepProfile, StepWindow

STEP = StepProfile(
    program_id="train/5_0",
    step_id=2,
    prefill_s=0.5,
    decode_s=1.0,
    pause_s=0.0,
    tool_call_s=2.0,
    kv_hit_rate=0.75,
    completed_at=1e9,
    arrived_at=1e9 - 1.5,
    queue_s=0.5,
    prompt_tokens=400,
    cached_tokens=300,
    completion_tokens=20,
    reprefilled_tokens=10,
    backend="http://gpu1:8000",
    group="train/5",
    phase="train",
    outcome="completed",
)


def step(**changes: Any) -> StepProfile:
    return StepProfile(**{name: changes.get(name, getattr(STEP, name)) for name in StepProfile.__slots__})


def test_a_window_tells_of_the_steps_since_it_was_last_taken_and_of_no_others() -> None:
    window = StepWindow()
    window.add(step())
    assert window.take()["train"]["turns"] == 1
    assert window.take() == {}
    window.add(step(pause_s=4.0))
    window.add(step())
    train = window.take()["train"]
    assert (train["turns"], train["prompt_tokens"], train["completion_tokens"], train["reprefilled_tokens"]) == (2, 800, 40, 20)
    assert (train["pause_mean_s"], train["pause_max_s"], train["paused_turns_share"]) == (2.0, 4.0, 0.5)
    assert (train["engine_mean_s"], train["tool_call_mean_s"]) == (2.0, 2.0)
    assert train["paused_share"] == pytest.approx(4.0 / (4.0 + 4.0 + 4.0))


def test_phases_are_told_apart_since_evaluation_overlaps_training() -> None:
    window = StepWindow()
    window.add(step())
    window.add(step(phase="eval", cached_tokens=0))
    phases = window.take()
    assert set(phases) == {"train", "eval"}
    assert (phases["train"]["kv_hit_rate"], phases["eval"]["kv_hit_rate"]) == (0.75, 0.0)


def test_the_backend_with_the_lowest_hit_rate_shows() -> None:
    window = StepWindow()
    window.add(step())
    window.add(step(backend="http://gpu2:8000", cached_tokens=100))
    train = window.take()["train"]
    assert (train["kv_hit_rate"], train["worst_backend_kv_hit_rate"]) == (0.5, 0.25)


def test_failed_turns_count_their_waits_and_no_tokens() -> None:
    window = StepWindow()
    window.add(step(outcome="lost", backend="http://gpu2:8000", pause_s=1.0, tool_call_s=0.0))
    train = window.take()["train"]
    assert (train["turns"], train["failed_turns"], train["prompt_tokens"]) == (1, 1, 0)
    assert (train["pause_max_s"], train["paused_share"], train["worst_backend_kv_hit_rate"]) == (1.0, 1.0, 0.0)


def test_steps_that_took_no_time_have_no_share_of_it() -> None:
    window = StepWindow()
    window.add(step(queue_s=None, prefill_s=None, decode_s=None, tool_call_s=0.0))
    assert window.take()["train"]["paused_share"] == 0.0
