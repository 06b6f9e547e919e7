"""Simulated time: what is to happen, in order of time and, at the same time, of being planned."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable


class Agenda:
    """A clock that jumps from one planned action to the next."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def at(self, time_s: float, action: Callable[[], None]) -> None:
        """Plan an action.

        Raises:
            ValueError: the time has passed, or is no time.
        """
        if not self.now_s <= time_s < math.inf:
            raise ValueError(f"time_s is {time_s}, it must be finite and at least {self.now_s}, the simulated time now")
        heapq.heappush(self._heap, (time_s, next(self._numbers), action))

    def run(self, until_s: float, done: Callable[[], bool] = lambda: False) -> None:
        """Act until ``until_s``, until ``done`` says so, or, without end, until nothing is planned."""
        while not done():
            if not self._heap or self._heap[0][0] > until_s:
                self.now_s = until_s if until_s < math.inf else self.now_s
                return
            self.now_s, _, action = heapq.heappop(self._heap)
            action()
