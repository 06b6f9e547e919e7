"""A gateway whose scheduler is another process: the link, and the HTTP server in front of it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence

from thunderagent.adapters.engines.backend_ids import split
from thunderagent.adapters.gateway.front import Front
from thunderagent.adapters.gateway.manage import HttpCounts
from thunderagent.adapters.gateway.routes import AbortCall, Route
from thunderagent.adapters.gateway.server import Served, run
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.gateway.tracing import TRACE
from thunderagent.adapters.link import messages
from thunderagent.adapters.link.runtime import RemoteRuntime
from thunderagent.adapters.link.transport import Dial
from thunderagent.runtime import StepProfile
from thunderagent.serving import open_turn_tracing, shown_host


class FrontServing:
    """Made and run on one loop. It serves once it has found its scheduler for the first time, and from then on without it too."""

    def __init__(self, dial: Dial, settings: GatewaySettings, *, http_host: str, token: str = "") -> None:
        """``http_host``: where the scheduler's HTTP is; it tells the port."""
        self.settings, self.http_host = settings, http_host
        self.runtime = RemoteRuntime(
            dial,
            token=token,
            on_backends=self._took_backends,
            on_end_rollout=self._end_rollout,
            on_welcome=self._welcomed,
            http=self._count,
            on_step=_trace_step if settings.otel else None,
        )
        self._routes: dict[str, Route] = {}
        self._welcome: messages.Welcome | None = None
        self._found = asyncio.Event()
        self.front: Front | None = None
        """None: not before the scheduler was found."""
        self._told = HttpCounts()
        self._told_passed = 0

    async def run(
        self, on_ready: Callable[[str], None], stop: asyncio.Event | None = None, *, listening: socket.socket | None = None
    ) -> None:
        """Serve until ``stop`` is set or, in the main thread, a signal has come. ``on_ready`` gets the URL."""
        async with self.open() as front:
            host = shown_host(self.settings.host)
            served = Served(front.short_way, front.app, None, front.begin_drain)
            await run(served, self.settings, lambda port: on_ready(f"http://{host}:{port}"), stop, listening=listening)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Front]:
        """The same for whoever serves it: from when the scheduler was found, until the block ends."""
        line = asyncio.create_task(self.runtime.run(), name="thunderagent-link")
        try:
            await self._found.wait()
            assert self._welcome is not None, "it was found"
            tracing = open_turn_tracing() if self.settings.otel else None
            self.front = front = Front(
                *(self.runtime, self.settings),
                route_of=self._route_of,
                attach=self.runtime.attach,
                lost_at=lambda: self.runtime.line.lost_at,
                names_sessions=self._welcome.names_sessions,
                tracing=tracing,
            )
            self._welcomed(self._welcome)
            self._took_backends(self.runtime.backends)
            try:
                yield front
            finally:
                await front.close()
                if tracing is not None:
                    await asyncio.to_thread(tracing.close)
        finally:
            line.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await line

    def _welcomed(self, welcome: messages.Welcome) -> None:
        self._welcome = welcome
        if self.front is not None:
            self.front.scheduler_is_at(f"http://{shown_host(self.http_host)}:{welcome.port}")

    def _took_backends(self, backends: Sequence[messages.Backend]) -> None:
        self._routes = {backend.id: _route(backend) for backend in backends}
        self._found.set()
        if self.front is not None:
            self.front.engines_are(
                [self._routes[backend.id] for backend in sorted(backends, key=lambda backend: not backend.healthy)]
            )

    def _route_of(self, backend_id: str) -> Route:
        route = self._routes.get(backend_id)
        return route if route is not None else Route(*split(backend_id))

    def _end_rollout(self, programs: list[str]) -> None:
        if self.front is not None:
            self.front.interruptions.end_rollout(programs)

    def _count(self) -> messages.Http:
        """What has come since it was asked last."""
        counts, told = (HttpCounts() if self.front is None else self.front.counts), self._told
        passed, told_passed, self._told_passed = self.runtime.passed_through, self._told_passed, self.runtime.passed_through
        answers, problems = counts.answers - told.answers, counts.problems - told.problems
        http = messages.Http(
            [(endpoint, status, number) for (endpoint, status), number in answers.items()],
            list(problems.items()),
            counts.retries - told.retries,
            counts.disconnects - told.disconnects,
            passed - told_passed,
            max(0, counts.open_requests),
        )
        told.answers, told.problems = Counter(counts.answers), Counter(counts.problems)
        told.retries, told.disconnects = counts.retries, counts.disconnects
        return http


def _trace_step(step: StepProfile) -> None:
    trace = TRACE.get()
    if trace is not None:
        trace.took_step(step)


def _route(backend: messages.Backend) -> Route:
    return Route(backend.url, backend.rank, backend.priority_sign, None if backend.abort is None else _abort(*backend.abort))


def _abort(path: bytes, body: bytes) -> Callable[[str], AbortCall]:
    return lambda request_id: AbortCall(path, body.replace(messages.REQUEST_ID.encode(), request_id.encode()))
