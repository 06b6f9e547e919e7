"""Engines as management sees them: added, drained and taken away while the gateway runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol
from urllib.parse import urlsplit

from thunderagent.adapters.gateway.fleet import BackendView, Fleet
from thunderagent.errors import RequestProblem


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
    def for_s(self) -> float:
        """How long it has been up, or down, in seconds."""
        ...

    @property
    def capacity_tokens(self) -> int | None:
        """Its KV cache; None: not known."""
        ...

    @property
    def problem(self) -> str | None:
        """What is wrong, in words."""
        ...


class Watch(Protocol):
    """Looks after engines: those that answer join the scheduler and the fleet, those that die or are removed leave both."""

    @property
    def statuses(self) -> Sequence[EngineStatus]:
        """Of all engines that are looked after."""
        ...

    def add(self, url: str) -> None:
        """Look after one more; nothing happens if it is known."""
        ...

    def remove(self, url: str) -> None:
        """Let go of one; its running turns lose their backend."""
        ...


@dataclass(frozen=True, slots=True)
class Worker:
    """One engine."""

    url: str
    state: Literal["up", "down", "draining"]
    for_s: float
    """How long it has been answering, or not, in seconds."""
    capacity_tokens: int | None
    problem: str | None
    backend: BackendView | None
    """Breaker and counts; None: it is down."""


class Workers(Protocol):
    """What management endpoints use. URLs may end with a slash or not."""

    def add(self, url: str) -> str:
        """Take an engine in; one that was draining stays after all. Gives its base URL.

        Raises:
            RequestProblem: 400; it is no base URL.
        """
        ...

    def drain(self, url: str) -> None:
        """Send no new turns there, and remove it when its last one is over, or after ``drain_s``.

        Raises:
            RequestProblem: 404; there is no such engine.
        """
        ...

    def remove(self, url: str) -> None:
        """Take an engine away at once; turns that run there are tried again elsewhere if no byte of an answer was sent.

        Raises:
            RequestProblem: 404; there is no such engine.
        """
        ...

    def list(self) -> tuple[Worker, ...]:
        """All engines, up or down."""
        ...


class WatchedWorkers:
    """``Workers`` over the watch and the fleet, on their event loop."""

    def __init__(
        self, watch: Watch, fleet: Fleet, drain_s: float, *, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    ) -> None:
        self._watch, self._fleet, self._drain_s, self._sleep = watch, fleet, drain_s, sleep
        self._drains: dict[str, asyncio.Task[None]] = {}

    def add(self, url: str) -> str:
        """Take an engine in."""
        url = self._find(url) or base_url(url)
        drain = self._drains.pop(url, None)
        if drain is not None:
            drain.cancel()
            self._fleet.undrain(url)
        self._watch.add(url)
        return url

    def drain(self, url: str) -> None:
        """Let an engine finish."""
        url = self._known(url)
        if url in self._drains:
            return
        if self._fleet.view(url) is None:  # it is down
            self._watch.remove(url)
            return
        self._fleet.drain(url)
        self._drains[url] = asyncio.create_task(self._finish(url), name=f"thunderagent-drain {url}")

    def remove(self, url: str) -> None:
        """Take an engine away."""
        url = self._known(url)
        drain = self._drains.pop(url, None)
        if drain is not None:
            drain.cancel()
        self._watch.remove(url)

    def list(self) -> tuple[Worker, ...]:
        """All engines."""
        return tuple(map(self._worker, self._watch.statuses))

    def close(self) -> None:
        """Wait for no drain any more."""
        for drain in self._drains.values():
            drain.cancel()
        self._drains.clear()

    async def _finish(self, url: str) -> None:
        ends = {asyncio.ensure_future(self._fleet.until_idle(url)), asyncio.ensure_future(self._sleep(self._drain_s))}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        del self._drains[url]
        self._watch.remove(url)

    def _worker(self, status: EngineStatus) -> Worker:
        state: Literal["up", "down", "draining"] = "up" if status.up else "down"
        if status.url in self._drains:
            state = "draining"
        backend = self._fleet.view(status.url)
        return Worker(status.url, state, status.for_s, status.capacity_tokens, status.problem, backend)

    def _find(self, url: str) -> str | None:
        """The engine's URL as it was first written, which is its id everywhere."""
        base = base_url(url)
        return next((status.url for status in self._watch.statuses if status.url.rstrip("/") == base), None)

    def _known(self, url: str) -> str:
        known = self._find(url)
        if known is None:
            raise RequestProblem(404, "unknown_worker", f"there is no worker {base_url(url)}", param="url")
        return known


def base_url(url: str) -> str:
    """The one way in which a base URL is written here.

    Raises:
        RequestProblem: 400; it is none.
    """
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or any(character.isspace() for character in parts.netloc + parts.path):
        raise RequestProblem(400, "invalid_worker", f"{url[:200]!r} is no base URL like http://host:8000", param="url")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
