"""Looks after engines: joins them when they answer, tells their capacity, and lets go of them when they die."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence

import aiohttp

from thunderagent.adapters.engines.capacity import capacity_tokens
from thunderagent.errors import ConfigError

logger = logging.getLogger(__name__)

FAILURES_TO_LOSE = 2
"""Looks that must fail in a row before an engine counts as dead: one may fall into a pause of the machine."""
LOOK_TIMEOUT_S = 5.0
"""An engine that does not answer a metrics request for this long is as good as dead for new turns."""


class EngineWatch:
    """Polls ``/metrics`` of each engine on the loop that ``start`` is called on."""

    def __init__(
        self,
        urls: Sequence[str],
        *,
        on_up: Callable[[str, int | None], None],
        on_lost: Callable[[str], None],
        poll_s: float,
        fixed_capacity_tokens: int | None = None,
    ) -> None:
        """``on_up(url, capacity)`` is called when an engine joins or its capacity changes, ``on_lost(url)`` when it dies."""
        self._urls = list(urls)
        self._on_up, self._on_lost = on_up, on_lost
        self._poll_s = poll_s
        self._fixed = fixed_capacity_tokens
        self._up: dict[str, int | None] = {}
        self._failures = dict.fromkeys(self._urls, 0)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Look at every engine once, then go on in the background.

        Raises:
            ConfigError: none of the engines answers.
        """
        timeout = aiohttp.ClientTimeout(total=LOOK_TIMEOUT_S)
        session = aiohttp.ClientSession(timeout=timeout)
        await asyncio.gather(*(self._look(session, url) for url in self._urls))
        if not self._up:
            await session.close()
            raise ConfigError("engine.urls", ",".join(self._urls), "no engine answers there; start it, or correct the address")
        self._tasks = [asyncio.create_task(self._watch(session), name="thunderagent-engine-watch")]

    async def stop(self) -> None:
        """Stop looking."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _watch(self, session: aiohttp.ClientSession) -> None:
        async with session:
            while True:
                await asyncio.sleep(self._poll_s)
                await asyncio.gather(*(self._look(session, url) for url in self._urls))

    async def _look(self, session: aiohttp.ClientSession, url: str) -> None:
        try:
            async with session.get(f"{url}/metrics") as response:
                page = await response.text()
                healthy = response.status < 500
        except (aiohttp.ClientError, TimeoutError):
            healthy, page = False, ""
        if not healthy:
            self._failures[url] += 1
            if self._failures[url] == FAILURES_TO_LOSE and url in self._up:
                del self._up[url]
                logger.error("engine %s does not answer any more", url)
                self._on_lost(url)
            return
        self._failures[url] = 0
        capacity = self._fixed or capacity_tokens(page)
        if url not in self._up or self._up[url] != capacity:
            if capacity is None:
                logger.warning("engine %s tells no KV capacity: nothing is paused on it (set thunder.capacity_tokens)", url)
            self._up[url] = capacity
            self._on_up(url, capacity)
