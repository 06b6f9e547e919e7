"""The speed of prefill, told by whole turns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.driver import Driver
from thunderagent.core import ThunderPolicy
from thunderagent.core.turn_times import MIN_TURNS, TurnTimes

speeds = st.floats(50.0, 50_000.0)
steps_s = st.floats(0.001, 0.2)


@given(speeds, steps_s, st.lists(st.tuples(st.integers(1, 20_000), st.integers(1, 500)), min_size=MIN_TURNS, max_size=200))
def test_where_turns_take_what_their_tokens_take_the_speed_is_found(
    tokens_per_s: float, step_s: float, turns: list[tuple[int, int]]
) -> None:
    times = TurnTimes()
    for computed, generated in turns:
        times.observe(computed, generated, computed / tokens_per_s + generated * step_s)
    found = times.prefill_tokens_per_s
    assert found is None or found == pytest.approx(tokens_per_s, rel=1e-3)


def test_turns_that_are_alike_tell_nothing() -> None:
    times = TurnTimes()
    for _ in range(100):
        times.observe(1_000, 100, 2.0)
    assert times.prefill_tokens_per_s is None


def test_few_turns_tell_nothing() -> None:
    times = TurnTimes()
    for turn in range(MIN_TURNS):
        assert times.prefill_tokens_per_s is None
        times.observe(1_000 * turn, 100, 0.5 * turn + 1.0)
    assert times.prefill_tokens_per_s == pytest.approx(2_000.0)


def test_turns_that_are_the_faster_the_more_they_compute_tell_nothing() -> None:
    times = TurnTimes()
    for turn in range(20):
        times.observe(1_000 * turn, 100, 30.0 - turn)
    assert times.prefill_tokens_per_s is None


def test_an_engine_that_becomes_slower_is_noticed_within_a_hundred_turns() -> None:
    times = TurnTimes()
    for tokens_per_s in (8_000, 2_000):
        for turn in range(100):
            times.observe(500 * (turn % 5), 100, 500 * (turn % 5) / tokens_per_s + 1.0)
    assert times.prefill_tokens_per_s == pytest.approx(2_000.0, rel=0.15)


def test_a_backend_is_judged_by_whole_turns_while_no_first_token_is_seen() -> None:
    driver = Driver(ThunderPolicy(), a=100_000)
    for turn in range(MIN_TURNS):
        running = driver.arrive(f"p{turn}", 1_000 * (turn + 1))
        driver.wait(0.5 * (turn + 1) + 1.0)
        driver.end(running, 1_000 * (turn + 1), 100, cached=0)
        driver.release(f"p{turn}")
    assert driver.backend().prefill_tokens_per_s == pytest.approx(2_000.0)
