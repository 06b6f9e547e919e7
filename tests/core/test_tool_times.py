"""How long tool calls take, and how much longer one will that has run for a while."""

from __future__ import annotations

import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thunderagent.core.tool_times import FASTEST_S, MAX_CALLS, MAX_TOOLS, MIN_CALLS, ToolTimes


def times(*durations: float, tool: str = "bash") -> ToolTimes:
    made = ToolTimes()
    for duration in durations:
        made.observe(tool, duration)
    return made


def test_nothing_observed_means_as_long_again_from_nothing() -> None:
    assert ToolTimes().mean_residual_s("bash", 0.0) == 0.0
    assert ToolTimes().mean_residual_s("bash", 7.0) == 7.0


def test_at_the_start_it_is_the_mean() -> None:
    assert times(*[1.0, 2.0, 9.0] * 4).mean_residual_s("bash", 0.0) == pytest.approx(4.0)


def test_beyond_all_that_was_observed_a_call_takes_as_long_again() -> None:
    """Lindy's law, so a client that died is noticed."""
    assert times(*[1.0] * 20).mean_residual_s("bash", 500.0) == 500.0


def test_a_long_tail_makes_the_rest_grow_with_the_time_spent() -> None:
    chance = random.Random(0)
    durations = [chance.lognormvariate(0.4, 1.6) for _ in range(4_000)]
    made = times(*durations)
    for elapsed in (0.5, 2.0, 10.0, 30.0):
        exact = statistics.fmean(d - elapsed for d in durations if d > elapsed)
        assert made.mean_residual_s("bash", elapsed) == pytest.approx(exact, rel=0.12)


def test_tools_are_told_apart_once_they_are_known_and_else_taken_together() -> None:
    made = times(*[0.1] * 100, tool="search")
    for _ in range(MIN_CALLS - 1):
        made.observe("build", 100.0)
    together = made.mean_residual_s("build", 0.0)
    assert together < 10.0
    made.observe("build", 100.0)
    assert made.mean_residual_s("build", 0.0) == pytest.approx(100.0)
    assert made.mean_residual_s("never seen", 0.0) == pytest.approx(made.mean_residual_s("", 0.0))


@given(st.lists(st.floats(0.01, 1e4), min_size=1, max_size=60), st.floats(0, 1e4), st.floats(0, 1e3))
def test_a_call_is_expected_to_outlast_a_limit_from_the_first_age_on_at_which_it_is(
    durations: list[float], limit: float, elapsed: float
) -> None:
    made = times(*durations)
    age = made.outlasts_after_s("bash", limit, elapsed)
    assert age > elapsed
    assert made.mean_residual_s("bash", age) > limit * (1 - 1e-9)
    assert age == math.inf or age <= max(*durations, limit, elapsed) * 2 + FASTEST_S, "a dead client is noticed in time"


def test_new_calls_tell_what_outlasts_what_once_there_are_enough_of_them() -> None:
    made = times(*[1.0] * 1_000)
    assert made.outlasts_after_s("bash", 50.0, 0.0) == 64.0
    for _ in range(20):
        made.observe("bash", 100.0)
    assert made.outlasts_after_s("bash", 50.0, 0.0) == 1.0


def test_nothing_outlasts_what_has_no_limit() -> None:
    assert times(1.0, 2.0).outlasts_after_s("bash", math.inf, 0.0) == math.inf


def test_a_change_is_followed() -> None:
    made = times(*[1.0] * int(MAX_CALLS), *[20.0] * int(2 * MAX_CALLS))
    assert made.mean_residual_s("bash", 0.0) > 16.0


def test_names_without_end_take_no_memory_without_end() -> None:
    made = ToolTimes()
    for i in range(3 * MAX_TOOLS):
        made.observe(f"tool{i}", 1.0)
    assert len(made._tools) == MAX_TOOLS


@given(st.lists(st.floats(0, 1e7)), st.floats(0, 1e9))
def test_it_is_never_negative_and_never_fails(durations: list[float], elapsed: float) -> None:
    assert times(*durations).mean_residual_s("bash", elapsed) >= 0.0
