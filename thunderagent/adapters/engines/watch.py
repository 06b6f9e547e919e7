"""Looks after engines: joins them when they answer rightly, tells their capacity, and lets go of them when they die."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from thunderagent.adapters.engines.backend_ids import split
from thunderagent.adapters.engines.engine import Engine
from thunderagent.adapters.engines.look import Looker
from thunderagent.adapters.engines.reading import EngineKind, Rank, Reading
from thunderagent.adapters.engines.standing import CacheLost, Doubt, EngineStatus, Lost, News, Standing, Up
from thunderagent.errors import ConfigError, EngineProblem

logger = logging.getLogger(__name__)

LOOK_TIMEOUT_S = 5.0
"""An engine that does not answer a look for this long is as good as dead for new turns."""
JITTER = 0.1
"""Share of the period by which looks come earlier or later, so that those at many engines do not fall together."""
GRID_S = 0.2
"""Looks within one such span begin together: waking up costs more than a look."""


@dataclass(slots=True, eq=False)
class _Watched:
    standing: Standing
    looker: Looker
    task: asyncio.Task[None] | None = None


class EngineWatch:
    """Looks at each engine in a task of its own, on the loop that ``start`` is called on."""

    def __init__(
        self,
        urls: Sequence[str],
        *,
        on_up: Callable[[str, int | None, int], None],
        on_lost: Callable[[str], None],
        on_cache_lost: Callable[[str], None],
        on_doubt: Callable[[str, bool], None],
        poll_s: float,
        kind: EngineKind | None = None,
        per_rank: bool = False,
        fixed_capacity_tokens: int | None = None,
        look_timeout_s: float = LOOK_TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """What looks prove is told by the callbacks, each of them about one backend (``backend_ids``).

        Args:
            urls: base URLs of the engines.
            on_up: backend, capacity in tokens (None: not known), host tier in tokens; when it joins or they change.
            on_lost: the backend is gone.
            on_cache_lost: its KV cache is empty; its turns go on.
            on_doubt: backend, and whether it may get new turns.
            poll_s: seconds between two looks at an engine.
            kind: what the engines are; None: they show it.
            per_rank: whether each data-parallel rank that requests can name is a backend, instead of the engine.
            fixed_capacity_tokens: of each engine, whatever it says of itself.
            look_timeout_s: seconds for one look.
            clock: seconds that only grow.
            sleep: waits for so many of them.
        """
        self._on_up, self._on_lost, self._on_cache_lost, self._on_doubt = on_up, on_lost, on_cache_lost, on_doubt
        self._poll_s, self._kind, self._per_rank, self._fixed = poll_s, kind, per_rank, fixed_capacity_tokens
        self._look_timeout_s, self._clock, self._sleep = look_timeout_s, clock, sleep
        self._keeper: asyncio.Task[None] | None = None
        self._watched = {url: self._new(url) for url in urls}

    async def start(self, required: bool = True) -> None:
        """Look at every engine once, then go on in the background.

        Raises:
            ConfigError: none of the engines answers rightly, and ``required`` says that one has to.
        """
        self._keeper = asyncio.create_task(self._keep(), name="thunderagent-engine-watch")
        await asyncio.gather(*(self._look(watched) for watched in self._watched.values()))
        standings = [watched.standing for watched in self._watched.values()]
        if required and not any(standing.up for standing in standings):
            await self.stop()
            what = "no engine answers there; start it, or correct the address"
            first = f" ({standings[0].problem})" if standings else ""
            raise ConfigError("engine.urls", ",".join(self.urls), what + first)
        for watched in self._watched.values():
            self._follow(watched, look_at_once=False)

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
        return list(self._watched)

    @property
    def statuses(self) -> list[EngineStatus]:
        """How each of them stands."""
        now = self._clock()
        return [watched.standing.status(_kind(watched), now) for watched in self._watched.values()]

    def reading(self, url: str) -> Reading | None:
        """The latest right look at an engine; None: there was none."""
        watched = self._watched.get(url)
        return None if watched is None else watched.standing.reading

    def load(self, backend_id: str) -> Rank | None:
        """What a backend told of itself last: a rank, or the whole engine; None: nothing."""
        url, rank = split(backend_id)
        reading = self.reading(url)
        return None if reading is None else reading.load(rank)

    def identity(self, backend_id: str) -> list[Any]:
        """Of the process behind a backend, and of what its KV cache is of, to be compared later by ``same_process``."""
        url, rank = split(backend_id)
        watched = self._watched.get(url)
        return [None, None, None] if watched is None else watched.standing.identity(rank)

    def engine(self, url: str) -> Engine | None:
        """What it is, with the requests that act on it; None: not known yet."""
        watched = self._watched.get(url)
        return None if watched is None else watched.looker.engine

    def saw_weights(self, backend_id: str, version: str) -> None:
        """An answer of a backend has shown the version of its engine's weights."""
        watched = self._watched.get(split(backend_id)[0])
        if watched is not None:
            self._tell(watched.standing.saw_weights(version))

    def add(self, url: str) -> None:
        """Look after one more engine; it joins when it answers. Nothing happens if it is known."""
        if url not in self._watched:
            self._watched[url] = watched = self._new(url)
            self._follow(watched, look_at_once=True)

    def remove(self, url: str) -> None:
        """Let go of an engine. Nothing happens if it is not known."""
        watched = self._watched.pop(url, None)
        if watched is not None:
            if watched.task is not None:
                watched.task.cancel()
            watched.looker.close()
            self._tell(watched.standing.leave())

    def _new(self, url: str) -> _Watched:
        return _Watched(Standing(url, self._clock(), self._fixed, self._per_rank), Looker(url, self._kind, self._look_timeout_s))

    # Looking

    async def _keep(self) -> None:
        """Own tasks and connections, so that they end with the loop even if nobody stops the watch."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._keeper = None
            tasks = [watched.task for watched in self._watched.values() if watched.task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for watched in self._watched.values():
                watched.looker.close()

    def _follow(self, watched: _Watched, *, look_at_once: bool) -> None:
        if self._keeper is not None and watched.task is None:
            name = f"thunderagent-engine-watch {watched.standing.url}"
            watched.task = asyncio.create_task(self._follow_one(watched, look_at_once), name=name)

    async def _follow_one(self, watched: _Watched, look_at_once: bool) -> None:
        if look_at_once:
            await self._look(watched)
        while True:
            await self._sleep(self._pause_s())
            await self._look(watched)

    def _pause_s(self) -> float:
        """Until the next look."""
        pause_s = self._poll_s * random.uniform(1 - JITTER, 1 + JITTER)
        grid_s = min(GRID_S, 2 * JITTER * self._poll_s)
        begins_s = round((self._clock() + pause_s) / grid_s) * grid_s
        return begins_s - self._clock()

    async def _look(self, watched: _Watched) -> None:
        """One look. Whatever comes of it, there is a next one."""
        problem = None
        answered = True
        try:
            reading = await watched.looker.look()
        except EngineProblem as error:
            problem, answered = error, not error.dead
            if error.dead and self._fixed is not None:
                answered = await watched.looker.answers()
        except Exception as error:  # a bug of ours must not end the looks
            logger.exception("engine %s could not be read", watched.standing.url)
            problem = EngineProblem(f"could not be read: {type(error).__name__}")
        standing = watched.standing
        if self._watched.get(standing.url) is not watched:
            return  # it was removed meanwhile
        before = standing.up, standing.doubted, standing.problem
        now = self._clock()
        if problem is None:
            news = standing.answered(reading, now)
        elif answered:
            news = standing.answered_wrongly(str(problem), now)
        else:
            news = standing.failed(str(problem), now)
        _log(standing, *before)
        try:
            self._tell(news)
        except Exception:
            logger.exception("what engine %s answered could not be taken in", standing.url)

    def _tell(self, news: Sequence[News]) -> None:
        for one in news:
            match one:
                case Up(backend, capacity_tokens, host_tokens):
                    self._on_up(backend, capacity_tokens, host_tokens)
                case Lost(backend):
                    self._on_lost(backend)
                case CacheLost(backend):
                    logger.warning("engine %s has lost its KV cache: it was started anew, or has other weights", backend)
                    self._on_cache_lost(backend)
                case Doubt(backend, healthy):
                    self._on_doubt(backend, healthy)


def _kind(watched: _Watched) -> EngineKind | None:
    return None if watched.looker.engine is None else watched.looker.engine.kind


def _log(standing: Standing, was_up: bool, was_doubted: bool, last_problem: str | None) -> None:
    """Say what has changed, once."""
    url, problem = standing.url, standing.problem
    if standing.doubted and not was_doubted:
        logger.warning("engine %s: %s; it gets no new turns until it answers rightly", url, problem)
    elif was_doubted and standing.up and not standing.doubted:
        logger.warning("engine %s answers rightly again", url)
    elif was_up and not standing.up:
        logger.error("engine %s does not answer any more: %s", url, problem)
    elif not standing.up and problem is not None and problem != last_problem:
        logger.warning("engine %s is not up: %s", url, problem)
    elif standing.up and problem is not None and problem != last_problem:
        meanwhile = "nothing is paused on it"
        if standing.capacity_tokens is not None:
            meanwhile = f"{standing.capacity_tokens} tokens are counted with as before"
        logger.warning("engine %s: %s; %s", url, problem, meanwhile)
    if standing.up and not was_up:
        logger.info("engine %s is up", url)
