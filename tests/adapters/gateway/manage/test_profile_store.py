"""Profiles stay within their bounds and forget the right ones."""

from __future__ import annotations

from typing import Any

import pytest

from thunderagent.adapters.gateway.manage import ProfileStore
from thunderagent.runtime import StepProfile


def step(program_id: str, step_id: int, **values: Any) -> StepProfile:
    base: dict[str, Any] = {
        "prefill_s": 1.0,
        "decode_s": 2.0,
        "pause_s": 3.0,
        "tool_call_s": 4.0,
        "kv_hit_rate": 0.5,
        "completed_at": 1e9,
        "arrived_at": 1e9,
        "queue_s": None,
        "prompt_tokens": 10,
        "cached_tokens": 5,
        "completion_tokens": 1,
        "reprefilled_tokens": 0,
        "backend": "a",
        "group": "",
        "phase": "",
        "outcome": "completed",
    }
    return StepProfile(program_id=program_id, step_id=step_id, **{**base, **values})


def test_means_are_over_all_steps_while_only_the_last_are_kept() -> None:
    store = ProfileStore(programs=10, steps=2)
    for number in range(1, 6):
        store.put(step("p", number, decode_s=float(number), tool_call_s=0.0 if number == 1 else 4.0))
    profile = store.get("p")
    assert profile is not None
    assert (profile.steps, profile.decode.mean, profile.tool_call.mean) == (5, 3.0, 4.0)
    assert [kept.step_id for kept in profile.last] == [4, 5]


def test_what_no_step_tells_has_no_mean() -> None:
    store = ProfileStore()
    store.put(step("p", 1, prefill_s=None, kv_hit_rate=None, tool_call_s=0.0))
    profile = store.get("p")
    assert profile is not None
    assert (profile.prefill.mean, profile.kv_hit_rate.mean, profile.tool_call.mean) == (None, None, None)
    store.put(step("p", 2, prefill_s=3.0, kv_hit_rate=None))
    profile = store.get("p")
    assert profile is not None
    assert (profile.prefill.mean, profile.kv_hit_rate.mean, profile.tool_call.mean) == (3.0, None, 4.0)


def test_the_program_whose_last_step_is_longest_ago_is_forgotten_first() -> None:
    store = ProfileStore(programs=2)
    store.put(step("old", 1))
    store.put(step("other", 1))
    store.put(step("old", 2))
    store.put(step("new", 1))
    assert sorted(store) == ["new", "old"]
    assert len(store) == 2
    assert store.get("other") is None


def test_an_id_that_is_used_again_begins_anew() -> None:
    store = ProfileStore()
    store.put(step("p", 1))
    store.put(step("p", 2))
    store.put(step("p", 1, decode_s=7.0))
    profile = store.get("p")
    assert profile is not None
    assert (profile.steps, profile.decode.mean) == (1, 7.0)


@pytest.mark.parametrize("programs", [1, 100])
def test_many_steps_take_no_more_room_than_a_few(programs: int) -> None:
    store = ProfileStore(programs=programs, steps=3)
    for number in range(2_000):
        store.put(step(f"p{number % 500}", number + 2))
    assert len(store) == programs
    assert all(len(profile.last) <= 3 for profile in map(store.get, store) if profile is not None)
