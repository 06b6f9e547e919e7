"""A gateway with a real runtime and fleet, and made-up engines, asked as an ASGI server asks: no socket, no thread, no sleep."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from prometheus_client.registry import Collector
from starlette.applications import Starlette

from tests.adapters.hand_clock import HandClock
from thunderagent.adapters.gateway.fleet import Fleet
from thunderagent.adapters.gateway.manage import ProfileStore, management
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.gateway.workers import EngineStatus, WatchedWorkers
from thunderagent.core import Policy, ThunderPolicy, TurnArrived, Usage
from thunderagent.runtime import Runtime, StepProfile
from thunderagent.runtime.tools import ToolHost

A, B = "http://a:8000", "http://b:8000"
API, ADMIN = {"authorization": "Bearer api-key"}, {"x-api-key": "admin-key"}
WITH_KEYS = GatewaySettings(api_keys=("api-key",), admin_keys=("admin-key", "another"))


@dataclass
class Status:
    """An engine, as the watch has it."""

    url: str
    up: bool = True
    capacity_tokens: int | None = 10_000
    problem: str | None = None
    kind: str | None = None
    doubted: bool = False


@dataclass
class Told:
    """What a backend tells of its load."""

    host_tokens: int = 0
    usage: float | None = None
    running: int | None = None
    waiting: int | None = None
    preemptions: int | None = None
    queried_tokens: int | None = None
    hit_tokens: int | None = None


class FakeWatch:
    """Whatever is added answers at once."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.fleet: Fleet
        self.known: dict[str, Status] = {}
        self.loads: dict[str, Told] = {}
        self.asked: list[tuple[str, str]] = []

    @property
    def statuses(self) -> Sequence[EngineStatus]:
        return list(self.known.values())

    def load(self, backend_id: str) -> Told | None:
        return self.loads.get(backend_id)

    def add(self, url: str) -> None:
        self.asked.append(("add", url))
        if url not in self.known:
            self.join(url, 10_000)

    def join(self, url: str, capacity_tokens: int | None) -> None:
        self.known[url] = Status(url, capacity_tokens=capacity_tokens)
        self.fleet.joined(url)
        self._runtime.add_backend(url, capacity_tokens)

    def die(self, url: str, problem: str) -> None:
        self.known[url] = replace(self.known[url], up=False, problem=problem)
        self.fleet.left(url)
        self._runtime.remove_backend(url)

    def remove(self, url: str) -> None:
        self.asked.append(("remove", url))
        if self.known.pop(url).up:
            self.fleet.left(url)
            self._runtime.remove_backend(url)


@dataclass
class Answer:
    """What a client gets."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        """Of a problem, for machines."""
        return str(self.json["error"]["code"])


@dataclass
class Gateway:
    """``Managed``, with engines a and b of 10,000 tokens."""

    policy: Policy = field(default_factory=ThunderPolicy)
    settings: GatewaySettings = field(default_factory=GatewaySettings)
    profiles: ProfileStore | None = field(default_factory=ProfileStore)
    collectors: tuple[Collector, ...] = ()
    on_step: Callable[[StepProfile], None] | None = None
    mode: str = "thunder"
    draining: bool = False
    capacity_tokens: int | None = 10_000
    tools: ToolHost | None = None

    def __post_init__(self) -> None:
        self.clock = HandClock()
        self.runtime = Runtime(self.policy, clock=self.clock, wall_clock=lambda: 1e9, on_step=self._put)
        self.watch = FakeWatch(self.runtime)
        self.fleet = self.watch.fleet = Fleet(self.settings, self.runtime, self._probe, clock=self.clock, sleep=self.clock.sleep)
        self.workers = WatchedWorkers(self.watch, self.fleet, 180.0, sleep=self.clock.sleep)
        self.addresses: dict[str, list[str]] = {"gpu1": ["10.0.0.1"]}
        """What names resolve to."""
        for url in (A, B):
            self.watch.join(url, self.capacity_tokens)
        if self.tools is not None:
            self.tools.follow(self.runtime)
        self._turn_ids = 1_000_000
        self.ended_rollouts = 0

    def begin_weight_sync(self) -> None:
        self.runtime.begin_weight_sync()

    def end_weight_sync(self, *, kv_lost: bool) -> None:
        self.runtime.end_weight_sync(kv_lost=kv_lost)

    def end_rollout(self) -> None:
        self.ended_rollouts += 1

    async def _probe(self, backend_id: str, *, generation: bool) -> bool:
        return False

    def _put(self, step: StepProfile) -> None:
        if self.profiles is not None:
            self.profiles.put(step)
        if self.on_step is not None:
            self.on_step(step)

    def app(self) -> Starlette:
        async def resolve(host: str) -> list[str]:
            return self.addresses.get(host, [])

        return management(self, self.settings, resolve=resolve)

    async def turn(self, program_id: str, prompt: int = 100, completion: int = 10, **more: Any) -> str:
        """A whole turn; gives the backend."""
        async with self.runtime.turn(program_id, prompt_tokens=prompt, **more) as turn:
            self.clock.now_s += 1.0
            turn.finish(Usage(prompt, completion, prompt // 2))
            return turn.backend

    def arrive(self, program_id: str, prompt: int = 100, **more: Any) -> None:
        """A turn that runs or waits for as long as the test does."""
        self._turn_ids += 1
        self.runtime.report(TurnArrived(program_id, self._turn_ids, prompt, **more))  # type: ignore[arg-type]

    async def ask(
        self,
        method: str,
        target: str,
        *,
        body: bytes | Sequence[bytes] = b"",
        headers: dict[str, str] | None = None,
        client: str = "127.0.0.1",
        left: asyncio.Event | None = None,
    ) -> Answer:
        """One request, from the address ``client``, which waits until it has ``left``; each of the body's parts is a message."""
        path, _, query = target.partition("?")
        parts = [body] if isinstance(body, bytes) else list(body)
        messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
        messages.append({"type": "http.request", "body": b"", "more_body": False})
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if messages:
                return messages.pop(0)
            await (left or asyncio.Event()).wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
            "server": ("127.0.0.1", 8300),
            "client": (client, 1),
        }
        await self.app()(scope, receive, send)  # type: ignore[arg-type]
        start, *rest = sent
        received = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], received, b"".join(message.get("body", b"") for message in rest))

    async def get(self, target: str, **headers: str) -> Answer:
        return await self.ask("GET", target, headers=headers)

    async def post(self, target: str, content: Any = None, **headers: str) -> Answer:
        return await self.ask("POST", target, body=b"" if content is None else json.dumps(content).encode(), headers=headers)


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """On a loop of its own."""

    async def main() -> None:
        async with asyncio.timeout(20):  # a turn that nobody admits fails its test, not the run
            await scenario()

    asyncio.run(main())
