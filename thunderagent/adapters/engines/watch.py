"""Looks after engines: joins them when they answer, tells their capacity, and lets go of them when they die."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence

import aiohttp

from thunderagent.adapters.engines.capacity import capacity_tokens
from thunderagent.adapters.engines.engine import Engine
from thunderagent.adapters.engines.reading import Reading
from thunderagent.adapters.engines.standing import EngineStatus, Standing
from thunderagent.errors import ConfigError

logger = logging.getLogger(__name__)

LOOK_TIMEOUT_S = 5.0
"""An engine that does not answer a metrics request for this long is as good as dead for new turns."""
LARGEST_PAGE_BYTES = 16 << 20
"""Hundreds of times what engines publish; more is not read."""
JITTER = 0.1
"""Share of the period by which looks come earlier or later, so that those at many engines do not fall together."""


class EngineWatch:
    """Polls ``/metrics`` of each engine, in a task of its own, on the loop that ``start`` is called on."""

    def __init__(
        self,
        urls: Sequence[str],
        *,
        on_up: Callable[[str, int | None], None],
        on_lost: Callable[[str], None],
        poll_s: float,
        fixed_capacity_tokens: int | None = None,
        look_timeout_s: float = LOOK_TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """``on_up(url, capacity)`` is called when an engine joins or its capacity changes, ``on_lost(url)`` when it goes."""
        self._on_up, self._on_lost = on_up, on_lost
        self._poll_s, self._fixed = poll_s, fixed_capacity_tokens
        self._timeout = aiohttp.ClientTimeout(total=look_timeout_s)
        self._clock, self._sleep = clock, sleep
        self._session: aiohttp.ClientSession | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._readings: dict[str, Reading] = {}
        self._engines: dict[str, Engine] = {}
        self._standings = {url: Standing(url, clock(), fixed_capacity_tokens) for url in urls}

    async def start(self, required: bool = True) -> None:
        """Look at every engine once, then go on in the background.

        Raises:
            ConfigError: none of the engines answers, and ``required`` says that one has to.
        """
        self._session = aiohttp.ClientSession(timeout=self._timeout, connector=aiohttp.TCPConnector(limit=0))
        self._keeper = asyncio.create_task(self._keep(self._session), name="thunderagent-engine-watch")
        await asyncio.gather(*(self._look(self._session, standing) for standing in self._standings.values()))
        if required and not any(standing.up for standing in self._standings.values()):
            await self.stop()
            raise ConfigError("engine.urls", ",".join(self.urls), "no engine answers there; start it, or correct the address")
        for standing in self._standings.values():
            self._follow(standing, look_at_once=False)

    async def stop(self) -> None:
        """Stop looking; the engines stay joined."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper

    # Which engines

    @property
    def urls(self) -> list[str]:
        """Of all engines that are looked after, up or down, in the order in which they were named."""
        return list(self._standings)

    @property
    def statuses(self) -> list[EngineStatus]:
        """How each of them stands."""
        now = self._clock()
        return [standing.status(now) for standing in self._standings.values()]

    def reading(self, url: str) -> Reading | None:
        """The latest right look at an engine; None: there was none."""
        return self._readings.get(url)

    def engine(self, url: str) -> Engine | None:
        """What it is, with the requests that act on it; None: not known yet."""
        return self._engines.get(url)

    def add(self, url: str) -> None:
        """Look after one more engine; it joins when it answers. Nothing happens if it is known."""
        if url not in self._standings:
            self._standings[url] = standing = Standing(url, self._clock(), self._fixed)
            self._follow(standing, look_at_once=True)

    def remove(self, url: str) -> None:
        """Let go of an engine. Nothing happens if it is not known."""
        standing = self._standings.pop(url, None)
        task = self._tasks.pop(url, None)
        if task is not None:
            task.cancel()
        if standing is not None and standing.up:
            self._on_lost(url)

    # Looking

    async def _keep(self, session: aiohttp.ClientSession) -> None:
        """Own the connections, so that they end with the loop even if nobody stops the watch."""
        async with session:
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self._session = None
                tasks, self._tasks = list(self._tasks.values()), {}
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def _follow(self, standing: Standing, *, look_at_once: bool) -> None:
        if self._session is not None and standing.url not in self._tasks:
            following = self._follow_one(self._session, standing, look_at_once)
            self._tasks[standing.url] = asyncio.create_task(following, name=f"thunderagent-engine-watch {standing.url}")

    async def _follow_one(self, session: aiohttp.ClientSession, standing: Standing, look_at_once: bool) -> None:
        if look_at_once:
            await self._look(session, standing)
        while True:
            await self._sleep(self._poll_s * random.uniform(1 - JITTER, 1 + JITTER))
            await self._look(session, standing)

    async def _look(self, session: aiohttp.ClientSession, standing: Standing) -> None:
        """One look. Whatever comes of it, there is a next one."""
        told: int | None = None
        failure = problem = None
        try:
            told, problem = await self._ask(session, standing.url)
        except TimeoutError:
            failure = f"/metrics does not answer within {self._timeout.total:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            failure = str(error) or type(error).__name__
        if self._standings.get(standing.url) is not standing:
            return  # it was removed meanwhile
        try:
            if failure is None:
                self._answered(standing, told, problem)
            else:
                self._failed(standing, failure)
        except Exception:
            logger.exception("what engine %s answered could not be taken in", standing.url)

    async def _ask(self, session: aiohttp.ClientSession, url: str) -> tuple[int | None, str | None]:
        """The capacity that an engine tells, and what is wrong with its page. Whatever that says, the engine is there."""
        async with session.get(f"{url}/metrics") as response:
            if response.status >= 500:
                raise aiohttp.ClientError(f"/metrics answers {response.status}")
            page = bytearray()
            try:
                async for chunk in response.content.iter_any():
                    page += chunk
                    if len(page) > LARGEST_PAGE_BYTES:
                        return None, "/metrics does not end"
            except aiohttp.ClientPayloadError:
                return None, "/metrics breaks off"
        if self._fixed is not None:
            return None, None
        if response.status >= 400:
            return None, f"/metrics answers {response.status}"
        if page and not page.endswith(b"\n"):  # the format ends every line with one
            return None, "/metrics breaks off"
        told = capacity_tokens(page.decode("utf-8", "replace"))
        return told, None if told is not None else "/metrics tells no KV capacity"

    def _answered(self, standing: Standing, told_tokens: int | None, problem: str | None) -> None:
        was_up, last_problem = standing.up, standing.problem
        news = standing.answered(told_tokens, problem, self._clock())
        if problem is not None and problem != last_problem:
            meanwhile = "nothing is paused on it (set thunder.capacity_tokens)"
            if standing.capacity_tokens is not None:
                meanwhile = f"{standing.capacity_tokens} tokens are counted with as before"
            logger.warning("engine %s: %s; %s", standing.url, problem, meanwhile)
        if news:
            if not was_up:
                logger.info("engine %s is up", standing.url)
            self._on_up(standing.url, standing.capacity_tokens)

    def _failed(self, standing: Standing, failure: str) -> None:
        last_problem = standing.problem
        if standing.failed(failure, self._clock()):
            logger.error("engine %s does not answer any more: %s", standing.url, failure)
            self._on_lost(standing.url)
        elif not standing.up and failure != last_problem:
            logger.warning("engine %s is not up: %s", standing.url, failure)
