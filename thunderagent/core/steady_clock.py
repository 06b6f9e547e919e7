"""The scheduler's own time: the host's clock without its jumps.

A process that was frozen (a blocking broadcast on its event loop, a suspended machine) finds that much time has passed at once,
with its timers overdue. Nobody had a chance to act meanwhile, so that time must not expire or force anything.
"""

from __future__ import annotations

import math
import sys

LATE_TIMER_S = 30.0
"""A timer that is overdue by more was not late but frozen: event loops are late by milliseconds, at worst by seconds."""
_BEFORE_ALL_S = -sys.float_info.max


class SteadyClock:
    """Maps the host's seconds to a time that never runs backwards and skips what was slept through."""

    __slots__ = ("_ahead_s", "_now", "corrections")

    def __init__(self) -> None:
        self._now = _BEFORE_ALL_S
        self._ahead_s = 0.0
        """How far the host's clock is ahead of this one."""
        self.corrections = 0

    def advance(self, host_now: float, alarm_s: float) -> float:
        """The time of an event; ``alarm_s`` is when a timer was due, in this clock's time; infinite: none was asked for."""
        now = host_now - self._ahead_s
        if self._now <= now < math.inf and now <= alarm_s + LATE_TIMER_S:
            self._now = now
            return now
        self.corrections += 1
        if self._now == _BEFORE_ALL_S:
            self._now = 0.0
        if math.isfinite(host_now):
            self._ahead_s = host_now - self._now
        return self._now

    def host_time(self, at_s: float) -> float:
        """The host's clock when this one will have come to ``at_s``, rounding included, if nothing jumps until then."""
        host_s = at_s + self._ahead_s
        while host_s - self._ahead_s < at_s:
            host_s = math.nextafter(host_s, math.inf)
        return host_s
