"""Time never runs backwards, and what was slept through ages nothing."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from thunderagent.core.steady_clock import SteadyClock

seconds = st.floats(-1e6, 1e6)


@given(st.lists(st.one_of(seconds, st.sampled_from([math.nan, math.inf, -math.inf])), min_size=1))
def test_it_never_runs_backwards_whatever_the_host_says(host_times: list[float]) -> None:
    clock, before = SteadyClock(), -math.inf
    for host_now in host_times:
        now = clock.advance(host_now, math.inf)
        assert math.isfinite(now)
        assert now >= before
        before = now


def test_after_a_step_back_time_goes_on_from_where_it_was() -> None:
    clock = SteadyClock()
    clock.advance(1_000.0, math.inf)
    assert clock.advance(10.0, math.inf) == 1_000.0
    assert clock.advance(13.0, math.inf) == 1_003.0
    assert clock.corrections == 1


def test_a_jump_over_a_timer_is_skipped_and_a_quiet_hour_without_one_is_not() -> None:
    clock = SteadyClock()
    clock.advance(0.0, math.inf)
    assert clock.advance(3_600.0, alarm_s=math.inf) == 3_600.0
    assert clock.advance(7_200.0, alarm_s=3_700.0) == 3_600.0
    assert clock.advance(7_201.0, alarm_s=3_700.0) == 3_601.0


@given(seconds, seconds, st.floats(0, 1e5))
def test_a_timer_asked_for_in_host_time_is_due_when_it_comes(start: float, step: float, ahead: float) -> None:
    clock = SteadyClock()
    clock.advance(start, math.inf)
    due = clock.advance(start + step, math.inf) + ahead
    assert clock.advance(clock.host_time(due), due) >= due
