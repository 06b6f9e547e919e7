"""A gateway without a scheduler of its own: it answers generating requests; the scheduler's process answers everything else.

While the scheduler is lost, this gateway says so itself (``/health``, ``/ready``, ``/metrics``), refuses what only the scheduler
can do, and passes other requests through to an engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any, Protocol

import msgspec
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from thunderagent.adapters.gateway.access import Access, Need
from thunderagent.adapters.gateway.controls import CONTROLS
from thunderagent.adapters.gateway.dialects import DIALECTS
from thunderagent.adapters.gateway.headers import HOP_BY_HOP, OURS_UPSTREAM
from thunderagent.adapters.gateway.interruptions import Interruptions, Programs
from thunderagent.adapters.gateway.keys import Keys
from thunderagent.adapters.gateway.manage import HttpCounts, serves
from thunderagent.adapters.gateway.passthrough import ClientLeft, Receive, Send, Upstream, pass_through
from thunderagent.adapters.gateway.problems import render
from thunderagent.adapters.gateway.protocol import ShortWay
from thunderagent.adapters.gateway.relay import NOT_FORWARDED_WITH_KEYS, Relay
from thunderagent.adapters.gateway.routes import Route, RouteOf
from thunderagent.adapters.gateway.scheduling import Attach, Requests, Scheduling
from thunderagent.adapters.gateway.setbacks import draining
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.gateway.tracing import Tracing
from thunderagent.adapters.gateway.upstream import Pool
from thunderagent.errors import RequestProblem

LONGEST_ANSWER_S = 86_400.0
"""Views of a browser stay open; what the scheduler's process forwards itself has its own time limits."""
Scope = MutableMapping[str, Any]


class Scheduler(Scheduling, Requests, Programs, Protocol):
    """What is at the other end."""

    @property
    def passed_through(self) -> int: ...

    def saw_weights(self, backend_id: str, version: str) -> None: ...


class Front:
    """Made on the loop that serves it."""

    def __init__(
        self,
        scheduler: Scheduler,
        settings: GatewaySettings,
        *,
        route_of: RouteOf,
        attach: Attach,
        lost_at: Callable[[], float | None],
        group_of: Callable[[str], str] | None = None,
        names_sessions: bool = False,
        tracing: Tracing | None = None,
    ) -> None:
        """``lost_at``: since when there is no scheduler, in Unix time; None: there is one. The others are the relay's."""
        self.settings, self._scheduler, self._lost_at = settings, scheduler, lost_at
        self.access = Access(Keys(settings.api_keys), Keys(settings.admin_keys))
        self.counts = HttpCounts()
        self.interruptions = Interruptions(scheduler)
        self._pools: dict[str, Pool] = {}
        self._engines: list[Route] = []
        self._scheduler_url: str | None = None
        self._relay = Relay(
            *(scheduler, settings, self.access, scheduler),
            counts=self.counts,
            pool_of=self._pool,
            interruptions=self.interruptions,
            saw_weights=scheduler.saw_weights,
            route_of=route_of,
            group_of=group_of,
            names_sessions=names_sessions,
            attach=attach,
            tracing=tracing,
        )
        with_keys = bool(self.access.api or self.access.admin)
        self._not_forwarded = NOT_FORWARDED_WITH_KEYS - {b"accept-encoding"} if with_keys else OURS_UPSTREAM
        self._registry = CollectorRegistry()
        self._registry.register(self.counts)
        ProcessCollector(registry=self._registry)

    @property
    def short_way(self) -> ShortWay:
        """Generating requests."""
        dialects = {path.encode(): dialect for path, dialect in DIALECTS.items()}
        return ShortWay(dialects, self._relay.handle, self.settings, self._refused)

    def begin_drain(self) -> None:
        """Refuse new requests."""
        self._relay.draining = True

    def scheduler_is_at(self, url: str) -> None:
        """Base URL of its process."""
        self._scheduler_url = url

    def engines_are(self, routes: Sequence[Route]) -> None:
        """All backends, those that are well first. Connections to engines that are gone break off."""
        self._engines = list(routes)
        urls = {route.url for route in routes}
        for url in [url for url in self._pools if url not in urls and url != self._scheduler_url]:
            asyncio.get_running_loop().call_soon(self._pools.pop(url).close)  # after turns have been told why

    async def close(self) -> None:
        """Nothing runs any more."""
        self._relay.close()
        self.interruptions.close()
        for pool in self._pools.values():
            pool.close()

    # Everything that is no generating request

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        try:
            if self._relay.draining:
                await self._answer_alone(scope, receive, send)
            elif self._lost_at() is None and self._scheduler_url is not None:
                await self._forward(scope, receive, send, self._scheduler_url)
            else:
                await self._answer_alone(scope, receive, send)
        except RequestProblem as problem:
            self.counts.problems[problem.reason] += 1
            await _send(send, *render(problem, anthropic=False))
        except ClientLeft:
            self.counts.disconnects += 1

    async def _forward(self, scope: Scope, receive: Receive, send: Send, url: str) -> None:
        upstream = Upstream(self._pool(url), HOP_BY_HOP | {b"content-length", b"expect", b"host"}, LONGEST_ANSWER_S, Route(url))
        try:
            await pass_through(scope, receive, send, upstream)
        except RequestProblem as problem:
            if problem.status != 503:
                raise
            if scope["path"] not in _OWN:
                raise _lost() from None
            await self._answer_alone(scope, receive, send)

    async def _answer_alone(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, headers = scope["path"], scope["headers"]
        if path in _OWN:
            self.access.check(_OWN[path], headers)
            if path == "/metrics" and self.settings.metrics:
                self.counts.scheduler_connected = self._lost_at() is None
                self.counts.passed_through = self._scheduler.passed_through
                await _send(send, 200, [(b"content-type", b"text/plain; version=0.0.4")], generate_latest(self._registry))
                return
            await self._tell_state(path, send)
            return
        if self._relay.draining:
            raise draining()
        if path in CONTROLS or serves(path):
            raise _lost()
        self.access.check(Need.USE, headers)
        if not self._engines:
            raise RequestProblem(503, "no_backend", "no engine is up", retry_after_s=5.0)
        route = self._engines[0]
        await pass_through(
            scope, receive, send, Upstream(self._pool(route.url), self._not_forwarded, self.settings.timeout_s, route)
        )

    async def _tell_state(self, path: str, send: Send) -> None:
        lost_at = self._lost_at()
        scheduler = {"scheduler": "connected"} if lost_at is None else {"scheduler": "lost", "scheduler_lost_at": lost_at}
        problems = []
        if self._relay.draining:
            problems.append("draining")
        if not self._engines:
            problems.append("no_backend_up")
        if path == "/health":
            status, told = 200, {"status": "ok", **scheduler}
        else:
            status, told = 503 if problems else 200, {"ready": not problems, "problems": problems, **scheduler}
        await _send(send, status, [(b"content-type", b"application/json")], msgspec.json.encode(told))

    def _refused(self, reason: str) -> None:
        self.counts.problems[reason] += 1

    def _pool(self, url: str) -> Pool:
        pool = self._pools.get(url)
        if pool is None or pool.closed:
            pool = self._pools[url] = Pool(url, self.settings.connect_timeout_s)
        return pool


_OWN = {"/health": Need.NOTHING, "/ready": Need.NOTHING, "/metrics": Need.READ}
"""What a gateway can answer alone."""


def _lost() -> RequestProblem:
    return RequestProblem(503, "no_scheduler", "this gateway has lost its scheduler, which alone answers this", retry_after_s=1.0)


async def _send(send: Callable[..., Any], status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    headers = [header for header in headers if header[0] != b"content-length"]
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
