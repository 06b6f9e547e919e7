"""What is believed of a KV cache's size."""

from __future__ import annotations

from thunderagent.adapters.engines.told_capacity import STALE_S, ToldCapacity


def told(tokens: int | None = 1_000) -> ToldCapacity:
    capacity = ToldCapacity(0.0)
    capacity.learn(tokens, 0.0)
    return capacity


def test_what_is_told_is_believed_and_nothing_told_changes_nothing() -> None:
    capacity = told(None)
    assert capacity.tokens is None
    assert capacity.learn(1_000, 1.0)
    assert not capacity.learn(1_000, 2.0)
    assert not capacity.learn(None, 3.0)
    assert capacity.tokens == 1_000
    assert capacity.learn(3_000, 4.0)
    assert capacity.learn(500, 5.0)
    assert capacity.tokens == 500


def test_after_a_long_silence_growth_has_to_be_told_twice_in_a_row() -> None:
    capacity, now = told(), STALE_S + 1.0
    assert not capacity.learn(9_000, now)
    assert not capacity.learn(8_000, now), "something else again"
    assert not capacity.learn(None, now)
    assert not capacity.learn(8_000, now)
    assert capacity.tokens == 1_000
    assert capacity.learn(8_000, now)
    assert capacity.tokens == 8_000
    assert capacity.learn(9_000, now), "that was no silence"


def test_after_a_long_silence_a_smaller_capacity_and_the_same_one_are_believed_at_once() -> None:
    capacity, now = told(), STALE_S + 1.0
    assert not capacity.learn(1_000, now)
    assert capacity.learn(2_000, now)
    assert capacity.learn(400, 3 * now)


def test_a_capacity_told_for_the_first_time_is_believed_however_late() -> None:
    assert told(None).learn(9_000, 1_000.0)
