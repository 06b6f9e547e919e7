"""One timer for the deadlines of all requests: they have equally long, so that they pass in the order in which they began."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

SWEEP_S = 1.0
"""Least time between two looks: deadlines are minutes to hours, and a timer for each request costs more than all of this."""


class Deadlines:
    """Calls back what has not ended after ``timeout_s``."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._ends_at_s: dict[Callable[[], None], float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, expire: Callable[[], None]) -> None:
        """``expire`` is called once when the time is over, unless ``end`` comes before."""
        loop = asyncio.get_running_loop()
        self._ends_at_s[expire] = loop.time() + self._timeout_s
        if self._timer is None:
            self._timer = loop.call_later(self._timeout_s, self._look, loop)

    def end(self, expire: Callable[[], None]) -> None:
        """It has ended; nothing happens if it has expired."""
        self._ends_at_s.pop(expire, None)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        due = []
        self._timer = None
        for expire, ends_at_s in self._ends_at_s.items():
            if ends_at_s > now:
                wait_s = max(ends_at_s - now, min(SWEEP_S, self._timeout_s))
                self._timer = loop.call_later(wait_s, self._look, loop)
                break
            due.append(expire)
        for expire in due:
            del self._ends_at_s[expire]
            expire()
