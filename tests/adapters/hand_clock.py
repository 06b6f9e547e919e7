"""Time that moves by hand: who sleeps wakes up when the test says that it is time."""

from __future__ import annotations

import asyncio
import heapq
import itertools


class HandClock:
    """A clock, and a sleep that goes by it."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def __call__(self) -> float:
        return self.now_s

    @property
    def sleepers(self) -> int:
        """Tasks that sleep now."""
        return sum(not wake.done() for _, _, wake in self._sleepers)

    async def sleep(self, seconds: float) -> None:
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now_s + seconds, next(self._order), wake))
        await wake

    async def advance(self, seconds: float) -> None:
        """Let time pass; everybody who is due goes on, in order, as far as he can without I/O."""
        until_s = self.now_s + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= until_s:
            self.now_s, _, wake = heapq.heappop(self._sleepers)
            if not wake.done():
                wake.set_result(None)
            await settle()
        self.now_s = until_s


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)
