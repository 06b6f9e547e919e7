"""Engines are added, drained and taken away while the gateway runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol

from thunderagent.adapters.gateway.breaker import BreakerState
from thunderagent.adapters.gateway.fleet import Fleet
from thunderagent.adapters.gateway.manage.loads import Load
from thunderagent.adapters.gateway.manage.managed import Worker

_WORSE = (BreakerState.CLOSED, BreakerState.HALF_OPEN, BreakerState.OPEN)
"""From the best to the worst: an engine is as its worst rank."""


class EngineStatus(Protocol):
    """How an engine stands for whoever looks after it."""

    @property
    def url(self) -> str:
        """Its base URL."""
        ...

    @property
    def up(self) -> bool:
        """Whether it answers."""
        ...

    @property
    def capacity_tokens(self) -> int | None:
        """Its KV cache; None: not known."""
        ...

    @property
    def problem(self) -> str | None:
        """What is wrong, in words."""
        ...

    @property
    def kind(self) -> str | None:
        """What it is; None: not known yet."""
        ...

    @property
    def doubted(self) -> bool:
        """Whether it answers so wrongly that it gets no new turns."""
        ...


class Watch(Protocol):
    """Looks after engines: those that answer join the scheduler and the fleet, those that die or are removed leave both."""

    @property
    def statuses(self) -> Sequence[EngineStatus]:
        """Of all engines that are looked after."""
        ...

    def load(self, backend_id: str) -> Load | None:
        """What a backend told of itself last; None: nothing."""
        ...

    def saw_weights(self, backend_id: str, version: str) -> None:
        """A backend has answered with weights of this version: with another than before, its engine's KV cache is gone."""
        ...

    def add(self, url: str) -> None:
        """Look after one more; nothing happens if it is known."""
        ...

    def remove(self, url: str) -> None:
        """Let go of one; its running turns lose their backend. Nothing happens if it is not known."""
        ...


class WatchedWorkers:
    """``manage.Workers`` over the watch and the fleet, on their event loop."""

    def __init__(
        self,
        watch: Watch,
        fleet: Fleet,
        drain_s: float,
        *,
        backends_of: Callable[[str], Sequence[str]] | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """``backends_of``: ids of an engine's backends in the fleet; None: its URL is the only one.

        A drain that takes longer than ``drain_s`` is cut short: turns that still run lose their backend.
        """
        self._watch, self._fleet, self._drain_s, self._sleep = watch, fleet, drain_s, sleep
        self._backends_of = backends_of or (lambda url: [url] if fleet.view(url) is not None else [])
        self._drains: dict[str, asyncio.Task[None]] = {}

    def list(self) -> tuple[Worker, ...]:
        """All engines, up or down."""
        return tuple(map(self._worker, self._watch.statuses))

    async def add(self, url: str) -> None:
        """Take an engine in: it joins when it answers. One that is draining stays after all."""
        if self._stop_drain(url):
            for backend in self._backends_of(url):
                self._fleet.undrain(backend)
        self._watch.add(url)

    async def drain(self, url: str) -> None:
        """Let an engine finish what it is at; one that is down goes at once."""
        if url in self._drains:
            return
        backends = self._backends_of(url)
        if not backends:
            self._watch.remove(url)
            return
        for backend in backends:
            self._fleet.drain(backend)
        self._drains[url] = asyncio.create_task(self._finish(url), name=f"thunderagent-drain {url}")

    async def remove(self, url: str) -> None:
        """Take an engine away now."""
        self._stop_drain(url)
        self._watch.remove(url)

    def close(self) -> None:
        """Wait for no drain any more."""
        for url in tuple(self._drains):
            self._stop_drain(url)

    def _stop_drain(self, url: str) -> bool:
        drain = self._drains.pop(url, None)
        return drain is not None and drain.cancel()

    async def _finish(self, url: str) -> None:
        ends = {asyncio.ensure_future(self._until_idle(url)), asyncio.ensure_future(self._sleep(self._drain_s))}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        del self._drains[url]
        self._watch.remove(url)

    async def _until_idle(self, url: str) -> None:
        for backend in self._backends_of(url):
            await self._fleet.until_idle(backend)

    def _worker(self, status: EngineStatus) -> Worker:
        worker = Worker(
            status.url,
            healthy=status.up and not status.doubted,
            draining=status.url in self._drains,
            capacity_tokens=status.capacity_tokens,
            last_problem=status.problem,
            kind=status.kind,
        )
        backends = [view for view in map(self._fleet.view, self._backends_of(status.url)) if view is not None]
        if not backends:
            return worker
        return replace(
            worker,
            backends=tuple(backend.id for backend in backends),
            loads={backend.id: load for backend in backends if (load := self._watch.load(backend.id)) is not None},
            paused=backends[0].paused,
            in_flight=sum(backend.in_flight for backend in backends),
            breaker=max((backend.breaker for backend in backends), key=_WORSE.index),
            requests=sum(backend.requests for backend in backends),
            retries=sum(backend.retries for backend in backends),
            failures=sum(backend.failures for backend in backends),
            breaker_openings=sum(backend.opened for backend in backends),
            probe_in_s=min((backend.probe_in_s for backend in backends if backend.probe_in_s is not None), default=None),
        )
