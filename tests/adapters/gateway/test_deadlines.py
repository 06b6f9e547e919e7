"""Deadlines of many requests on one timer, in simulated time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from thunderagent.adapters.gateway.deadlines import Deadlines


class Loop:
    """Time that moves by hand, and the timers that were asked for."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.timers: list[tuple[float, Callable[..., None], tuple[Any, ...]]] = []

    def time(self) -> float:
        return self.now_s

    def call_later(self, delay_s: float, callback: Callable[..., None], *arguments: Any) -> object:
        self.timers.append((self.now_s + delay_s, callback, arguments))
        return object()

    def advance(self, to_s: float) -> None:
        while self.timers and min(self.timers)[0] <= to_s:
            timer = min(self.timers, key=lambda timer: timer[0])
            self.timers.remove(timer)
            self.now_s = timer[0]
            timer[1](*timer[2])
        self.now_s = to_s


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    loop = Loop()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    return loop


def test_what_ends_in_time_is_left_alone_and_what_does_not_is_told_once(loop: Loop) -> None:
    deadlines, told = Deadlines(10.0), []
    first, second = lambda: told.append("first"), lambda: told.append("second")
    deadlines.begin(first)
    deadlines.begin(second)
    deadlines.end(first)
    loop.advance(9.9)
    assert told == []
    loop.advance(100.0)
    assert told == ["second"]
    deadlines.end(second)


def test_no_deadline_is_missed_by_more_than_a_sweep_with_one_timer_for_all(loop: Loop) -> None:
    deadlines = Deadlines(10.0)
    late_s: list[float] = []
    for number in range(100):
        loop.advance(number * 0.1)
        deadlines.begin(lambda due_s=loop.now_s + 10.0: late_s.append(loop.now_s - due_s))  # type: ignore[misc]
        assert len(loop.timers) == 1
    loop.advance(60.0)
    assert len(late_s) == 100
    assert all(0 <= late <= 1.0 for late in late_s)
    assert loop.timers == []


def test_short_deadlines_are_kept_as_well(loop: Loop) -> None:
    deadlines, told = Deadlines(0.05), []
    deadlines.begin(lambda: told.append(loop.now_s))
    loop.advance(0.01)
    deadlines.begin(lambda: told.append(loop.now_s))
    loop.advance(1.0)
    assert told == pytest.approx([0.05, 0.1])
