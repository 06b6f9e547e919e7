"""The retries of all requests: each waits for its time, and for its share of what is in flight.

A retry beyond the budget waits until one before it is over instead of failing: when one of two engines dies, half of all requests
want another try at once, and every one of them can still be answered.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable

from thunderagent.adapters.gateway.retry import may_retry, most_retries
from thunderagent.adapters.gateway.settings import GatewaySettings


class Retries:
    """One per gateway. Costs nothing to a request whose first try is answered."""

    def __init__(
        self,
        settings: GatewaySettings,
        in_flight: Callable[[], int],
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """``in_flight`` tells how many requests are in engines now."""
        self._settings, self._in_flight, self._sleep, self._draw = settings, in_flight, sleep, draw
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.running = 0
        """Retries that are in engines now and have no answer yet."""

    async def wait(self, status: int | None, attempt: int, *, deadline_left_s: float, retry_after_s: float | None = None) -> bool:
        """Wait until the next try may be sent; False, at once: there is none (arguments as for ``may_retry``).

        After True, ``over`` is to be called once, as soon as that try has failed or its answer has begun. The deadline itself is
        the caller's to enforce: a wait may be cancelled at any time.
        """
        delay_s = may_retry(
            status, attempt, self._settings, deadline_left_s=deadline_left_s, retry_after_s=retry_after_s, draw=self._draw
        )
        if delay_s is None:
            return False
        await self._sleep(delay_s)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._let_in()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it had just been let in
                self.over()
            raise
        return True

    def over(self) -> None:
        """A retry has failed, or has become a request like all others: its answer has begun."""
        self.running -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self.running < most_retries(self._in_flight(), self._settings):
            turn = self._waiting.popleft()
            if not turn.done():  # else its request was given up while it waited
                self.running += 1
                turn.set_result(None)
