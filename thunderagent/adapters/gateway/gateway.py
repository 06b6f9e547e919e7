"""One gateway: everything that a request passes, put together over a runtime and its engines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any

from prometheus_client.registry import Collector

from thunderagent.adapters.gateway.access import Access, Need
from thunderagent.adapters.gateway.control import Controller
from thunderagent.adapters.gateway.controls import CONTROLS
from thunderagent.adapters.gateway.dialects import DIALECTS
from thunderagent.adapters.gateway.docker_ids import attach
from thunderagent.adapters.gateway.fleet import Fleet
from thunderagent.adapters.gateway.headers import OURS_UPSTREAM
from thunderagent.adapters.gateway.holds import Holds
from thunderagent.adapters.gateway.interruptions import Interruptions
from thunderagent.adapters.gateway.keys import Keys
from thunderagent.adapters.gateway.manage import (
    FOR_CLIENTS,
    HttpCounts,
    ProfileStore,
    SandboxMetrics,
    TurnHistograms,
    management,
    serves,
)
from thunderagent.adapters.gateway.models import merged_models
from thunderagent.adapters.gateway.passthrough import (
    ENGINE_HEADER,
    ClientLeft,
    Receive,
    Send,
    Upstream,
    named_backend,
    pass_through,
    read_body,
)
from thunderagent.adapters.gateway.probe import probe
from thunderagent.adapters.gateway.problems import render
from thunderagent.adapters.gateway.protocol import ShortWay
from thunderagent.adapters.gateway.relay import NAMELESS, NOT_FORWARDED_WITH_KEYS, Relay
from thunderagent.adapters.gateway.routes import Route, RouteOf, with_rank
from thunderagent.adapters.gateway.setbacks import draining
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.gateway.tracing import TRACE, Tracing
from thunderagent.adapters.gateway.upstream import Pool
from thunderagent.adapters.gateway.workers import Watch, WatchedWorkers
from thunderagent.errors import RequestProblem
from thunderagent.runtime import Runtime, StepProfile
from thunderagent.runtime.tools import SandboxProfile, ToolHost

MODELS = "/v1/models"
GroupOf = Callable[[str], str] | None
Scope = MutableMapping[str, Any]


class Gateway:
    """Made on the loop that serves it. It is told of backends (``joined``, ``left``) and of steps (``took_step``)."""

    def __init__(
        self,
        runtime: Runtime,
        watch: Watch,
        settings: GatewaySettings,
        mode: str,
        *,
        group_of: GroupOf = None,
        route_of: RouteOf = Route,
        names_sessions: bool = False,
        tools: ToolHost | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        """``mode``: name of the scheduling policy, for views. ``group_of``: the RL prompt group that an id tells of.

        ``names_sessions``: engines are told each program as ``X-Session-ID``, for the events of their KV caches.
        ``tools``: the sandboxes of programs; None: there are none.
        ``tracing``: makes spans of generating requests; None: what clients send of their traces goes on to engines.
        """
        self.runtime, self.settings, self.mode, self.tools = runtime, settings, mode, tools
        self._route_of = route_of
        self.access = Access(Keys(settings.api_keys), Keys(settings.admin_keys))
        self.counts = HttpCounts()
        self.fleet = Fleet(settings, runtime, self._probe)
        self.workers = WatchedWorkers(watch, self.fleet, settings.drain_s, backends_of=self._backends_of)
        self.interruptions = Interruptions(runtime)
        self.on_end_rollout: Callable[[], object] = lambda: None
        """Told when a rollout has ended: other processes may hold requests of it."""
        self._holds = Holds(runtime, self.fleet, self._engine_of)
        self.profiles = ProfileStore(settings.keep_profiles) if settings.keep_profiles else None
        self._turns = TurnHistograms()
        self._sandboxes = None if tools is None else SandboxMetrics(tools)
        self._pools: dict[str, Pool] = {}
        self._relay = Relay(
            *(runtime, settings, self.access, self.fleet),
            counts=self.counts,
            pool_of=self._pool,
            interruptions=self.interruptions,
            saw_weights=watch.saw_weights,
            route_of=route_of,
            group_of=group_of,
            names_sessions=names_sessions,
            attach=self.attach,
            tracing=tracing,
        )
        if tools is not None:
            tools.leave_out(lambda program_id: NAMELESS.fullmatch(program_id) is not None)  # they have no second turn
        with_keys = bool(self.access.api or self.access.admin)
        self._not_forwarded = NOT_FORWARDED_WITH_KEYS - {b"accept-encoding"} if with_keys else OURS_UPSTREAM
        self._controller = Controller(
            *(runtime, self._holds),
            pool_of=self._pool,
            backends_of=self._backends_of,
            without=self._not_forwarded,
            timeout_s=settings.timeout_s,
        )
        self._admin = management(self, settings, access=self.access)
        separate = settings.admin_port is not None
        self._management = management(self, settings, access=self.access, endpoints=FOR_CLIENTS) if separate else self._admin

    # What it consists of, for the server

    @property
    def short_way(self) -> ShortWay:
        """Generating requests."""
        return ShortWay(
            {path.encode(): dialect for path, dialect in DIALECTS.items()}, self._relay.handle, self.settings, self._refused
        )

    @property
    def admin(self) -> Any | None:
        """The application of the management port; None: it has none."""
        return self._admin_app if self.settings.admin_port is not None else None

    async def _admin_app(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._to_engines if scope["path"] in CONTROLS else self._admin)(scope, receive, send)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Everything that is no generating request: management, else the engines."""
        if serves(scope["path"]) and not _names_engine(scope):
            await self._management(scope, receive, send)
            return
        await self._to_engines(scope, receive, send)

    async def _to_engines(self, scope: Scope, receive: Receive, send: Send) -> None:
        control = CONTROLS.get(scope["path"])
        try:
            self.access.check(Need.USE if control is None else Need.CONTROL, scope["headers"])
            backends = self.runtime.backends
            engines = list(dict.fromkeys(map(self._engine_of, backends)))
            named = named_backend(scope["headers"], [*engines, *backends])
            if control is not None:
                targets = engines if named is None else [self._engine_of(named)]
                answer = await self._controller.run(control, scope, await read_body(receive), targets)
                await _send_whole(send, answer.status or 502, answer.headers, answer.body)
                return
            if self.draining:
                raise draining()
            if scope["path"] == MODELS and scope["method"] == "GET" and named is None:
                body = await merged_models([self._pool(engine) for engine in engines], scope["headers"], self._not_forwarded)
                await _send_whole(send, 200, [(b"content-type", b"application/json")], body)
                return
            if not engines:
                raise RequestProblem(503, "no_backend", "no engine is up", retry_after_s=5.0)
            route = self._route_of(named or engines[0])
            upstream = Upstream(self._pool(route.url), self._not_forwarded | {ENGINE_HEADER}, self.settings.timeout_s, route)
            await pass_through(scope, receive, send, upstream)
        except RequestProblem as problem:
            self.counts.problems[problem.reason] += 1
            await _send_whole(send, *render(problem, anthropic=False))
        except ClientLeft:
            self.counts.disconnects += 1

    # Told by the session

    def joined(self, backend_id: str) -> None:
        """An engine, or a rank of it, is up."""
        self.fleet.joined(backend_id)
        asyncio.get_running_loop().call_soon(self._holds.joined)  # after the scheduler has been told

    def left(self, backend_id: str) -> None:
        """An engine, or a rank of it, has gone. With the last one of an engine, what still goes to it breaks off."""
        self.fleet.left(backend_id)
        engine = self._engine_of(backend_id)
        if self._backends_of(engine):
            return
        asyncio.get_running_loop().call_soon(self._holds.forget, engine)  # after the scheduler has been told
        pool = self._pools.pop(engine, None)
        if pool is not None:
            asyncio.get_running_loop().call_soon(pool.close)  # the same, so that turns know why

    def took_step(self, step: StepProfile) -> None:
        """A step is over."""
        self._turns.put(step)
        trace = TRACE.get()
        if trace is not None:
            trace.took_step(step)
        if self.profiles is not None:
            self.profiles.put(step)

    def took_sandbox(self, sandbox: SandboxProfile) -> None:
        """A program is done with a sandbox."""
        if self._sandboxes is not None:
            self._sandboxes.put(sandbox)

    # For management

    @property
    def collectors(self) -> Iterable[Collector]:
        """Metrics beside the scheduler's."""
        return (self.counts, self._turns, *([self._sandboxes] if self._sandboxes is not None else []))

    async def attach(self, program_id: str, docker_ids: tuple[str, ...]) -> object:
        """These containers are the program's from now on.

        Raises:
            RequestProblem: they cannot be.
        """
        return await attach(self.tools, program_id, docker_ids)

    @property
    def draining(self) -> bool:
        """Whether it is about to stop."""
        return self._relay.draining

    def begin_weight_sync(self) -> None:
        """No turn is to start."""
        self._holds.begin()

    def end_weight_sync(self, *, kv_lost: bool) -> None:
        """Turns may start, as far as engines run."""
        self._holds.end(kv_lost=kv_lost)

    def end_rollout(self) -> None:
        """What waits is answered as aborted."""
        self.on_end_rollout()
        self.interruptions.end_rollout()

    def begin_drain(self) -> None:
        """Refuse new requests."""
        self._relay.draining = True

    async def close(self) -> None:
        """Nothing runs any more."""
        self.workers.close()
        self.fleet.close()
        self._relay.close()
        self.interruptions.close()
        for pool in self._pools.values():
            pool.close()

    def _refused(self, reason: str) -> None:
        self.counts.problems[reason] += 1

    def _engine_of(self, backend_id: str) -> str:
        return self._route_of(backend_id).url

    def _backends_of(self, url: str) -> list[str]:
        return [backend_id for backend_id in self.fleet.ids if self._engine_of(backend_id) == url]

    def _pool(self, url: str) -> Pool:
        pool = self._pools.get(url)
        if pool is None or pool.closed:
            pool = self._pools[url] = Pool(url, self.settings.connect_timeout_s)
        return pool

    async def _probe(self, backend_id: str, *, generation: bool) -> bool:
        return await probe(self._fetch, backend_id, generation=generation)

    async def _fetch(
        self, backend_id: str, method: str, path: str, *, headers: Mapping[str, str], body: bytes, timeout_s: float
    ) -> tuple[int, bytes]:
        route = self._route_of(backend_id)
        lines = with_rank(route, [f"{name}: {value}".encode() for name, value in headers.items()])
        async with asyncio.timeout(timeout_s):
            reply = await self._pool(route.url).request(method.encode(), path.encode(), lines, body or None, streamed=False)
            reply.close()
            return reply.status, b"".join(reply.body)


def _names_engine(scope: Scope) -> bool:
    return any(name == ENGINE_HEADER for name, _ in scope["headers"])


async def _send_whole(send: Callable[..., Any], status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    headers = [header for header in headers if header[0] != b"content-length"]
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
