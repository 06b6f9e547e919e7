"""Management adds, drains and removes engines; turns move on, nothing hangs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from tests.adapters.hand_clock import HandClock, settle
from thunderagent.adapters.gateway.fleet import Fleet
from thunderagent.adapters.gateway.manage.managed import Worker
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.gateway.workers import EngineStatus, WatchedWorkers
from thunderagent.core import ThunderPolicy, Usage
from thunderagent.errors import BackendLost
from thunderagent.runtime import Runtime

A, B, DOWN = "http://a:8000", "http://b:8000", "http://down:8000"


@dataclass
class Status:
    url: str
    up: bool = True
    capacity_tokens: int | None = 10_000
    problem: str | None = None
    kind: str | None = None
    doubted: bool = False


class Fixture:
    """Engines ``A`` and ``B``, and one that is down, under a real runtime. It is its own watch: what is added answers at once."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.runtime = Runtime(ThunderPolicy(), clock=self.clock)
        self.fleet = Fleet(GatewaySettings(), self.runtime, self.probe, clock=self.clock, sleep=self.clock.sleep)
        self.known: dict[str, Status] = {DOWN: Status(DOWN, up=False, capacity_tokens=None, problem="refused")}
        self.workers = WatchedWorkers(self, self.fleet, 180.0, sleep=self.clock.sleep)
        for url in (A, B):
            self.add(url)

    async def probe(self, backend_id: str, *, generation: bool) -> bool:
        return True

    @property
    def statuses(self) -> list[EngineStatus]:
        return list(self.known.values())

    def load(self, backend_id: str) -> None: ...

    def add(self, url: str) -> None:
        if url not in self.known:
            self.known[url] = Status(url)
            self.fleet.joined(url)
            self.runtime.add_backend(url, 10_000)

    def remove(self, url: str) -> None:
        status = self.known.pop(url, None)
        if status is not None and status.up:
            self.die(url)

    def die(self, url: str) -> None:
        self.fleet.left(url)
        self.runtime.remove_backend(url)

    def states(self) -> dict[str, str]:
        return {
            worker.url: "draining" if worker.draining else "up" if worker.healthy else "down" for worker in self.workers.list()
        }

    async def turn(self, program_id: str, answer: Awaitable[object] | None = None) -> str:
        async with self.runtime.turn(program_id, prompt_tokens=100) as turn:
            epoch = self.fleet.took(turn.backend)
            try:
                if answer is not None:
                    await turn.run(answer)
            finally:
                self.fleet.ended(turn.backend, True, epoch)
            turn.finish(Usage(100, 1))
            return turn.backend


def run(scenario: Callable[[Fixture], Awaitable[None]]) -> None:
    async def whole() -> None:
        fixture = Fixture()
        await scenario(fixture)
        fixture.workers.close()
        fixture.fleet.close()

    asyncio.run(whole())


def test_a_drained_engine_finishes_its_turns_gets_no_new_ones_and_goes_with_the_last() -> None:
    async def scenario(fixture: Fixture) -> None:
        assert await fixture.turn("p") == A
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        running = asyncio.create_task(fixture.turn("q", answer))
        await settle()
        q_is_on = next(view.id for view in fixture.fleet.views() if view.in_flight)
        await fixture.workers.drain(q_is_on)
        await fixture.workers.drain(q_is_on)
        assert fixture.states()[q_is_on] == "draining"
        other = {A: B, B: A}[q_is_on]
        assert {await fixture.turn("p"), await fixture.turn("new")} == {other}
        await fixture.clock.advance(100.0)
        answer.set_result(None)
        assert await running == q_is_on
        await settle()
        assert fixture.states() == {DOWN: "down", other: "up"}
        assert await fixture.turn("q") == other

    run(scenario)


def test_an_engine_that_has_nothing_to_do_is_drained_at_once() -> None:
    async def scenario(fixture: Fixture) -> None:
        await fixture.workers.drain(A)
        await settle()
        assert A not in fixture.states()

    run(scenario)


def test_a_drain_that_takes_too_long_is_cut_short() -> None:
    async def scenario(fixture: Fixture) -> None:
        running = asyncio.create_task(fixture.turn("p", asyncio.Event().wait()))
        await settle()
        await fixture.workers.drain(A)
        await fixture.clock.advance(179.0)
        assert fixture.states()[A] == "draining"
        await fixture.clock.advance(1.0)
        assert A not in fixture.states()
        with pytest.raises(BackendLost):
            await running
        assert fixture.fleet.in_flight == 0

    run(scenario)


def test_a_draining_engine_that_is_added_again_stays() -> None:
    async def scenario(fixture: Fixture) -> None:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        running = asyncio.create_task(fixture.turn("p", answer))
        await settle()
        await fixture.workers.drain(A)
        await settle()
        await fixture.workers.add(A)
        answer.set_result(None)
        await running
        await fixture.clock.advance(1_000.0)
        assert fixture.states()[A] == "up"
        assert await fixture.turn("p") == A

    run(scenario)


def test_a_draining_engine_that_dies_or_is_down_is_removed_without_waiting() -> None:
    async def scenario(fixture: Fixture) -> None:
        fixture.fleet.took(A)
        await fixture.workers.drain(A)
        await settle()
        fixture.die(A)
        fixture.known[A].up = False
        await settle()
        await fixture.workers.drain(DOWN)
        assert fixture.states() == {B: "up"}

    run(scenario)


def test_an_engine_is_removed_at_once_and_its_turns_lose_their_backend() -> None:
    async def scenario(fixture: Fixture) -> None:
        running = asyncio.create_task(fixture.turn("p", asyncio.Event().wait()))
        await settle()
        await fixture.workers.drain(A)
        await fixture.workers.remove(A)
        with pytest.raises(BackendLost):
            await running
        await fixture.workers.remove(DOWN)
        assert fixture.states() == {B: "up"}
        await fixture.clock.advance(1_000.0)

    run(scenario)


def test_workers_are_listed_with_what_watch_and_fleet_know() -> None:
    async def scenario(fixture: Fixture) -> None:
        running = asyncio.create_task(fixture.turn("p", asyncio.Event().wait()))
        await settle()
        for _ in range(5):
            fixture.fleet.ended(B, False, fixture.fleet.took(B))
        down, a, b = fixture.workers.list()
        assert down == Worker(DOWN, healthy=False, last_problem="refused")
        assert a == Worker(A, (A,), capacity_tokens=10_000, in_flight=1, requests=1)
        failing = Worker(B, (B,), capacity_tokens=10_000, breaker="open", requests=5, failures=5, breaker_openings=1)
        assert b == replace(failing, probe_in_s=fixture.fleet.views()[1].probe_in_s)
        running.cancel()

    run(scenario)


def test_what_is_not_known_is_gone_already() -> None:
    async def scenario(fixture: Fixture) -> None:
        await fixture.workers.drain("http://c:8000")
        await fixture.workers.remove("http://c:8000")
        assert fixture.states() == {DOWN: "down", A: "up", B: "up"}

    run(scenario)


async def alive(backend_id: str, *, generation: bool) -> bool:
    return True


def test_an_engine_is_all_of_its_ranks() -> None:
    async def scenario() -> None:
        clock = HandClock()
        runtime = Runtime(ThunderPolicy(), clock=clock)
        fleet = Fleet(GatewaySettings(), runtime, alive, clock=clock, sleep=clock.sleep)
        ranks = (f"{A}#0", f"{A}#1")

        class Watch:
            statuses = (Status(A, capacity_tokens=20_000),)

            def __init__(self) -> None:
                self.removed: list[str] = []

            def load(self, backend_id: str) -> None: ...

            def add(self, url: str) -> None: ...

            def remove(self, url: str) -> None:
                self.removed.append(url)

        watch = Watch()
        workers = WatchedWorkers(watch, fleet, 180.0, backends_of=lambda url: list(ranks), sleep=clock.sleep)
        for rank in ranks:
            fleet.joined(rank)
            runtime.add_backend(rank, 10_000)
        epochs = [fleet.took(rank, retry=True) for rank in ranks]
        assert workers.list() == (Worker(A, backends=ranks, capacity_tokens=20_000, in_flight=2, requests=2, retries=2),)
        for _ in range(GatewaySettings().breaker_failures):
            fleet.ended(ranks[1], False, fleet.took(ranks[1]))
        (worker,) = workers.list()
        assert (worker.breaker, worker.breaker_openings, worker.failures) == ("open", 1, 5)
        assert worker.probe_in_s == 5.0
        await workers.drain(A)
        assert [view.draining for view in fleet.views()] == [True, True]
        await workers.add(A)
        assert [view.draining for view in fleet.views()] == [False, False]
        await workers.drain(A)
        for rank, epoch in zip(ranks, epochs, strict=True):
            await settle()
            assert watch.removed == []
            fleet.ended(rank, True, epoch)
        await settle()
        assert watch.removed == [A]
        fleet.close()

    asyncio.run(scenario())
