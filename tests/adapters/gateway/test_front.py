"""A gateway whose scheduler is another process: what it forwards, and what it answers alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from tests.adapters.gateway.reliability.behaviours import answers
from tests.adapters.gateway.reliability.fake_engine import FakeEngine, Visit
from thunderagent.adapters.gateway.front import Front
from thunderagent.adapters.gateway.routes import Route
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.link.runtime import RemoteRuntime
from thunderagent.adapters.link.transport import Link, Receiver
from thunderagent.errors import LinkError

ADMIN = "admin-key"


async def nobody(receiver: Receiver) -> Link:
    raise LinkError("nobody is there")


class Fixture:
    """A front, one other process that stands for the scheduler's HTTP, and one engine."""

    def __init__(self, scheduler: FakeEngine, engine: FakeEngine, **settings: Any) -> None:
        self.runtime = RemoteRuntime(nobody)
        self.lost_at: float | None = None
        self.front = Front(
            *(self.runtime, GatewaySettings(**settings)),
            route_of=Route,
            attach=self.runtime.attach,
            lost_at=lambda: self.lost_at,
        )
        self.front.scheduler_is_at(scheduler.url)
        self.front.engines_are([Route(engine.url)])

    async def ask(self, path: str, method: str = "GET", key: str | None = None) -> tuple[int, Any]:
        headers = [] if key is None else [(b"authorization", f"Bearer {key}".encode())]
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": headers,
        }
        sent: list[Any] = []
        asked = asyncio.Event()

        async def receive() -> Any:
            if not asked.is_set():
                asked.set()
                return {"type": "http.request", "body": b"{}" if method == "POST" else b"", "more_body": False}
            await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        await self.front.app(scope, receive, send)
        body = b"".join(message.get("body", b"") for message in sent[1:])
        try:
            return sent[0]["status"], msgspec.json.decode(body)
        except msgspec.DecodeError:
            return sent[0]["status"], body.decode()


def with_front(**settings: Any) -> Callable[[Callable[[Fixture, FakeEngine, FakeEngine], Awaitable[None]]], Callable[[], None]]:
    def decorate(test: Callable[[Fixture, FakeEngine, FakeEngine], Awaitable[None]]) -> Callable[[], None]:
        async def scenario() -> None:
            scheduler, engine = await FakeEngine(answers).start(), await FakeEngine(answers).start()

            async def other(visit: Visit) -> None:
                visit.respond(200, msgspec.json.encode({"answers": visit.path, "key": visit.headers.get("authorization")}))

            scheduler.other = engine.other = other
            fixture = Fixture(scheduler, engine, **settings)
            try:
                await test(fixture, scheduler, engine)
            finally:
                await fixture.front.close()
                scheduler.die()
                engine.die()

        def run() -> None:
            asyncio.run(scenario())

        run.__name__ = test.__name__
        return run

    return decorate


@with_front(admin_keys=(ADMIN,))
async def test_everything_that_is_no_turn_goes_to_the_scheduler_with_its_key(
    f: Fixture, scheduler: FakeEngine, engine: FakeEngine
) -> None:
    for path, method in (("/programs", "GET"), ("/tokenize", "POST"), ("/pause", "POST")):
        assert await f.ask(path, method, ADMIN) == (200, {"answers": path, "key": f"Bearer {ADMIN}"})
    assert len(scheduler.others) == 3
    assert not engine.others


@with_front(admin_keys=(ADMIN,))
async def test_without_a_scheduler_it_says_so_and_refuses_what_only_that_can_do(
    f: Fixture, scheduler: FakeEngine, engine: FakeEngine
) -> None:
    f.lost_at = 1_000.0
    assert await f.ask("/health") == (200, {"status": "ok", "scheduler": "lost", "scheduler_lost_at": 1_000.0})
    assert await f.ask("/ready") == (200, {"ready": True, "problems": [], "scheduler": "lost", "scheduler_lost_at": 1_000.0})
    for path, method in (("/programs", "GET"), ("/pause", "POST"), ("/weight_sync/begin", "POST")):
        status, told = await f.ask(path, method, ADMIN)
        assert (status, told["error"]["code"]) == (503, "no_scheduler"), path
    assert (await f.ask("/tokenize", "POST"))[1]["answers"] == "/tokenize"
    assert len(engine.others) == 1
    assert not scheduler.others
    assert (await f.ask("/metrics"))[0] == 401
    status, page = await f.ask("/metrics", key=ADMIN)
    assert status == 200
    assert "thunderagent_scheduler_connected 0.0" in page
    f.front.engines_are([])
    status, told = await f.ask("/ready")
    assert (status, told["problems"]) == (503, ["no_backend_up"])
    assert (await f.ask("/tokenize", "POST"))[0] == 503


@with_front()
async def test_a_scheduler_that_dies_in_that_moment_is_no_broken_answer(
    f: Fixture, scheduler: FakeEngine, engine: FakeEngine
) -> None:
    scheduler.die()
    status, told = await f.ask("/programs")
    assert (status, told["error"]["code"]) == (503, "no_scheduler")
    assert (await f.ask("/health"))[0] == 200


@with_front()
async def test_while_it_drains_it_takes_nothing_new(f: Fixture, scheduler: FakeEngine, engine: FakeEngine) -> None:
    f.front.begin_drain()
    status, told = await f.ask("/ready")
    assert (status, told["problems"], told["scheduler"]) == (503, ["draining"], "connected")
    status, told = await f.ask("/programs")
    assert (status, told["error"]["code"]) == (503, "draining")
    assert not scheduler.others


@with_front()
async def test_connections_to_an_engine_that_has_gone_are_closed(f: Fixture, scheduler: FakeEngine, engine: FakeEngine) -> None:
    f.lost_at = 1.0
    await f.ask("/tokenize", "POST")
    pool = f.front._pools[engine.url]
    f.front.engines_are([])
    await asyncio.sleep(0)
    assert pool.closed
