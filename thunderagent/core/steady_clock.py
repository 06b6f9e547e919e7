"""The scheduler's own time: the host's clock without its jumps.

A process that was frozen (a blocking broadcast on its event loop, a suspended machine) finds that much time has passed at once,
with its timers overdue. Nobody had a chance to act meanwhile, so that time must not expire or force anything.
"""

from __future__ import annotations

import math

LATE_TIMER_S = 30.0
"""A timer that is overdue by more was not late but frozen: event loops are late by milliseconds, at worst by seconds."""


class SteadyClock:
    """Maps the host's seconds to a time that never runs backwards and skips what was slept through."""

    __slots__ = ("_ahead_s", "_now", "corrections")

    def __init__(self) -> None:
        self._now: float | None = None
        self._ahead_s = 0.0
        """How far the host's clock is ahead of this one."""
        self.corrections = 0

    def advance(self, host_now: float, alarm_s: float | None) -> float:
        """The time of an event; ``alarm_s`` is when a timer was due, in this clock's time."""
        if self._now is None:
            self._now = host_now if math.isfinite(host_now) else 0.0
        if not math.isfinite(host_now):
            self.corrections += 1
            return self._now
        now = host_now - self._ahead_s
        jumped = alarm_s is not None and now > alarm_s + LATE_TIMER_S
        if now < self._now or jumped:
            self._ahead_s = host_now - self._now
            self.corrections += 1
        else:
            self._now = now
        return self._now

    def host_time(self, at_s: float) -> float:
        """The host's clock when this one will have come to ``at_s``, rounding included, if nothing jumps until then."""
        host_s = at_s + self._ahead_s
        while host_s - self._ahead_s < at_s:
            host_s = math.nextafter(host_s, math.inf)
        return host_s
