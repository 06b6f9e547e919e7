"""A circuit breaker: when an engine that fails gets no more requests, and when it is tried again. Pure: time is an argument.

The control law: so many failures in a row open it. An open one is probed once ``open_s`` are over, by one probe and no more
(half-open); if that fails, it stays open for twice as long as before, at most ``max_open_s``; if it succeeds, it closes. What
was sent before it opened or closed says nothing any more: every change starts another epoch, and results of an earlier one count
for nothing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from enum import StrEnum

MAX_OPEN_S = 60.0
"""An engine that is back has requests again within a minute, however long it was away."""


class BreakerState(StrEnum):
    """Where a breaker stands."""

    CLOSED = "closed"
    """Requests go through."""
    OPEN = "open"
    """None does, until it is probed."""
    HALF_OPEN = "half_open"
    """A probe is on its way."""


class Breaker:
    """One per engine."""

    def __init__(self, failures: int, open_s: float, max_open_s: float = MAX_OPEN_S, epochs: Iterator[int] | None = None) -> None:
        """Breakers that share ``epochs``, ascending numbers, have none in common."""
        self._failures, self._open_s, self._max_open_s = failures, open_s, max(open_s, max_open_s)
        self._epochs = epochs if epochs is not None else itertools.count()
        self._next_open_s = open_s
        self.state = BreakerState.CLOSED
        self.epoch = next(self._epochs)
        """To be remembered of a request when it is sent, and given back with its result."""
        self.in_a_row = 0
        """Failures since the last success."""
        self.opened = 0
        """How often it went from closed to open."""
        self.probe_at_s = math.inf
        """When the next probe is due; infinite: it is not open."""

    def succeeded(self, epoch: int) -> None:
        """A request that was sent in this epoch was answered."""
        if epoch == self.epoch and self.state is BreakerState.CLOSED:
            self.in_a_row = 0

    def failed(self, now: float, epoch: int) -> bool:
        """A request that was sent in this epoch failed. Tells whether that has opened the breaker."""
        if epoch != self.epoch or self.state is not BreakerState.CLOSED:
            return False
        self.in_a_row += 1
        if self.in_a_row < self._failures:
            return False
        self.opened += 1
        self._next_open_s = self._open_s
        self._open(now)
        return True

    def probe_due(self, now: float) -> bool:
        """Whether it is time for a probe and none is on its way."""
        return self.state is BreakerState.OPEN and now >= self.probe_at_s

    def begin_probe(self, now: float) -> bool:
        """Tells whether the caller is the one that has to send the probe now, and report it with ``probed``."""
        if not self.probe_due(now):
            return False
        self._change(BreakerState.HALF_OPEN)
        self.probe_at_s = math.inf
        return True

    def probed(self, now: float, *, alive: bool) -> None:
        """The probe is over; without one on its way nothing happens."""
        if self.state is not BreakerState.HALF_OPEN:
            return
        if alive:
            self.in_a_row = 0
            self._change(BreakerState.CLOSED)
        else:
            self._next_open_s = min(2 * self._next_open_s, self._max_open_s)
            self._open(now)

    def _open(self, now: float) -> None:
        self._change(BreakerState.OPEN)
        self.probe_at_s = now + self._next_open_s

    def _change(self, state: BreakerState) -> None:
        self.state = state
        self.epoch = next(self._epochs)
