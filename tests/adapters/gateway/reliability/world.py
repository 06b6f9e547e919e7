"""Everything on one loop: fake engines, and a whole gateway with its runtime, on real sockets."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ParamSpec

import uvloop
from uvicorn.server import ServerState

from tests.adapters.gateway.reliability.behaviours import answers
from tests.adapters.gateway.reliability.client import Answer, Client
from tests.adapters.gateway.reliability.fake_engine import Behaviour, FakeEngine
from thunderagent.adapters.engines.standing import EngineStatus
from thunderagent.adapters.gateway import server
from thunderagent.adapters.gateway.gateway import Gateway
from thunderagent.adapters.gateway.routes import Route, RouteOf
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.gateway.tracing import Tracing
from thunderagent.config import ThunderConfig, build_limits, build_policy
from thunderagent.core import Limits, Policy
from thunderagent.runtime import Runtime, StepProfile
from thunderagent.runtime.keeper import Keeper
from thunderagent.runtime.store import Store
from thunderagent.runtime.tools import ToolHost

P = ParamSpec("P")
PATIENCE_S = 60.0
"""No wait in these tests takes longer, however busy the machine, unless something hangs."""


def on_loop(scenario: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an async test on the loop that the gateway is served with. What the loop complains about fails the test."""

    @functools.wraps(scenario)
    def test(*args: P.args, **options: P.kwargs) -> None:
        complaints: list[dict[str, Any]] = []

        async def watched() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
            async with asyncio.timeout(5 * PATIENCE_S):
                await scenario(*args, **options)

        uvloop.run(watched())
        assert complaints == []

    return test


class StandInWatch:
    """Takes the place of the engine watch where engines are joined by hand."""

    def __init__(self) -> None:
        self.statuses: list[EngineStatus] = []

    def load(self, backend_id: str) -> None: ...

    def saw_weights(self, backend_id: str, version: str) -> None: ...

    def add(self, url: str) -> None: ...

    def remove(self, url: str) -> None: ...


@dataclass
class World:
    """Made by ``world``."""

    runtime: Runtime
    gateway: Gateway
    engines: list[FakeEngine]
    steps: list[StepProfile]
    port: int
    state: ServerState
    kept: list[Client] = field(default_factory=list)
    """Clients that stay until the end."""

    @property
    def engine(self) -> FakeEngine:
        """The only one, or the first."""
        return self.engines[0]

    async def client(self) -> Client:
        return await Client.connect(self.port)

    async def ask(self, path: str = "/v1/chat/completions", **options: Any) -> Answer:
        """One request on a connection of its own."""
        client = await self.client()
        answer = await client.ask(path, **options)
        client.leave()
        return answer

    async def post(self, path: str, body: bytes = b"", headers: str = "") -> Answer:
        """The same for a request that is no turn."""
        client = await self.client()
        answer = await client.post(path, body, headers)
        client.leave()
        return answer

    async def get(self, path: str) -> Answer:
        """The same for GET."""
        client = await self.client()
        answer = await client.get(path)
        client.leave()
        return answer

    def join(self, engine: FakeEngine, capacity_tokens: int | None = None, rank: str = "") -> None:
        """What the session does when an engine, or a rank of it (``#1``), is up."""
        self.gateway.joined(engine.url + rank)
        self.runtime.add_backend(engine.url + rank, capacity_tokens)

    def lose(self, engine: FakeEngine, rank: str = "") -> None:
        """What the session does when an engine, or a rank of it, is gone."""
        self.gateway.left(engine.url + rank)
        self.runtime.remove_backend(engine.url + rank)

    def tables(self) -> dict[str, Any]:
        """Everything that requests must leave as they found it."""
        scheduler = self.runtime.scheduler
        if not self.runtime.degraded:  # then its books are closed
            scheduler.check_invariants()
        return {
            "programs": {program.id: (program.status.name, program.context_tokens) for program in scheduler.programs.values()},
            "running": sum(len(program.running) for program in scheduler.programs.values()),
            "turns": len(self.runtime._turns),
            "waiting": scheduler.waiting_turns,
            "in_flight": self.gateway.fleet.in_flight,
            "at": {view.id: view.in_flight for view in self.gateway.fleet.views()},
            "open": self.gateway.counts.open_requests,
            "retries": self.gateway._relay._retries.running,
            "busy": {url: len(pool._all) - len(pool._idle) for url, pool in self.gateway._pools.items()},
        }

    async def until_tables_are(self, before: dict[str, Any]) -> None:
        """Wait, and say what is left if they never are."""
        try:
            await until(lambda: self.tables() == before)
        except TimeoutError:
            assert self.tables() == before
            raise


async def until(condition: Callable[[], object]) -> None:
    """Let the loop go on until something is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)  # once around the loop


async def until_still(number: Callable[[], int]) -> None:
    """Let the loop go on until something has not grown for a while."""
    seen, rounds = number(), 0
    async with asyncio.timeout(PATIENCE_S):
        while rounds < 300:
            await asyncio.sleep(0)
            rounds = rounds + 1 if number() == seen else 0
            seen = number()


async def soon(awaited: Awaitable[Any]) -> Any:
    """What is awaited, unless it hangs."""
    async with asyncio.timeout(PATIENCE_S):
        return await awaited


@asynccontextmanager
async def world(
    behaviour: Behaviour = answers,
    *,
    engines: int = 1,
    mode: str = "default",
    capacity_tokens: int | None = None,
    policy: Policy | None = None,
    limits: Limits | None = None,
    config: dict[str, Any] | None = None,
    route_of: RouteOf = Route,
    ranks: Sequence[str] = ("",),
    tools: ToolHost | None = None,
    tracing: Tracing | None = None,
    store: Store | None = None,
    **settings: Any,
) -> AsyncIterator[World]:
    """A gateway in front of engines that are up; ``settings`` are the gateway's, ``config`` the scheduler's,
    ``ranks`` every engine's. With a ``store``, nothing is recovered from it yet.

    What the requests of the test have left behind is told at its end.
    """
    thunder = ThunderConfig(mode=mode, **(config or {}))
    steps: list[StepProfile] = []

    def took_step(step: StepProfile) -> None:
        steps.append(step)
        gateway.took_step(step)

    fakes = [await FakeEngine(behaviour).start() for _ in range(engines)]
    runtime = Runtime(policy or build_policy(thunder), limits=limits or build_limits(thunder), on_step=took_step)
    keeper = None if store is None else Keeper(runtime, store)
    named = thunder.kv_events is not None
    if tools is not None:
        tools.follow(runtime)
    served_as = GatewaySettings(port=0, **settings)
    gateway = Gateway(
        *(runtime, StandInWatch(), served_as, mode), route_of=route_of, names_sessions=named, tools=tools, tracing=tracing
    )
    async with served(gateway) as (port, state):
        here = World(runtime, gateway, fakes, steps, port, state)
        for engine in fakes:
            for rank in ranks:
                here.join(engine, capacity_tokens, rank)
        try:
            yield here
        finally:
            for engine in fakes:
                engine.die()
            await gateway.close()
            if tools is not None:
                await tools.close()
            if keeper is not None:
                keeper.close()
    assert_nothing_is_open(here)


@asynccontextmanager
async def served(gateway: Gateway) -> AsyncIterator[tuple[int, ServerState]]:
    """The gateway's own protocol on a free port, without the process around it."""
    loop, state = asyncio.get_running_loop(), ServerState()
    config = server._config(gateway.app, gateway.short_way, gateway.settings, 0)
    config.load()
    protocol: Any = config.http_protocol_class
    listener = await loop.create_server(
        lambda: protocol(config=config, server_state=state, app_state={}, _loop=loop), "127.0.0.1", 0, backlog=4_096
    )
    try:
        yield listener.sockets[0].getsockname()[1], state
    finally:
        listener.close()
        for connection in list(state.connections):
            connection.transport.abort()
        await until(lambda: not state.connections and not state.tasks)


def assert_nothing_is_open(here: World) -> None:
    """Once all clients have gone."""
    tables = here.tables()
    counted = ["turns", "in_flight", "open", "retries"]
    if not here.runtime.degraded:
        counted += ["running", "waiting"]
    assert {name: tables[name] for name in counted} == dict.fromkeys(counted, 0)
