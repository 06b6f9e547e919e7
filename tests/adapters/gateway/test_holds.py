"""Stopped engines get no turns; while all are stopped, or a trainer says so, turns wait and none is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tests.adapters.hand_clock import HandClock
from thunderagent.adapters.gateway.fleet import Fleet
from thunderagent.adapters.gateway.holds import Holds
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.core import ThunderPolicy, Usage
from thunderagent.runtime import Runtime

A, B, B0, B1 = "http://a", "http://b", "http://b#0", "http://b#1"
PAUSED = frozenset({"paused"})


class Fixture:
    """Engine ``A``, and ``B`` of two ranks, under a real runtime."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.runtime = Runtime(ThunderPolicy(), clock=self.clock)
        self.fleet = Fleet(GatewaySettings(), self.runtime, self.probe, clock=self.clock, sleep=self.clock.sleep)
        self.holds = Holds(self.runtime, self.fleet, lambda backend: backend.partition("#")[0])
        for backend in (A, B0, B1):
            self.join(backend)

    def join(self, backend: str) -> None:
        self.fleet.joined(backend)
        self.runtime.add_backend(backend, 10_000)
        self.holds.joined()

    def leave(self, backend: str, engine: str) -> None:
        self.fleet.left(backend)
        self.runtime.remove_backend(backend)
        if not [known for known in self.fleet.ids if known.startswith(engine)]:
            self.holds.forget(engine)

    async def probe(self, backend_id: str, *, generation: bool) -> bool:
        return True

    async def turn(self, program_id: str) -> str:
        async with self.runtime.turn(program_id, prompt_tokens=10) as turn:
            turn.finish(Usage(10, 1))
            return turn.backend

    async def where(self, programs: int = 12) -> set[str]:
        """Backends that new programs run on."""
        return {await self.turn(f"p{number}") for number in range(programs)}

    async def held(self) -> bool:
        turn = asyncio.create_task(self.turn("held"))
        await asyncio.sleep(0)
        done = turn.done()
        turn.cancel()
        await asyncio.wait([turn])
        self.runtime.release("held")
        return not done


def on_loop(scenario: Callable[[Fixture], Awaitable[None]]) -> Callable[[], None]:
    def wrapped() -> None:
        async def main() -> None:
            await scenario(Fixture())

        asyncio.run(main())

    return wrapped


@on_loop
async def test_a_stopped_engine_gets_no_turns_on_any_rank(here: Fixture) -> None:
    here.holds.stop(B, PAUSED)
    assert await here.where() == {A}
    here.holds.go_on(B, PAUSED)
    assert {B0, B1} & await here.where(40)


@on_loop
async def test_its_programs_go_elsewhere(here: Fixture) -> None:
    first = await here.turn("p")
    here.holds.stop(first.partition("#")[0], PAUSED)
    assert await here.turn("p") != first


@on_loop
async def test_while_all_are_stopped_turns_wait_and_go_on_where_one_does(here: Fixture) -> None:
    here.holds.stop(A, PAUSED)
    here.holds.stop(B, PAUSED)
    assert here.runtime.scheduler.syncing
    turns = [asyncio.create_task(here.turn(f"p{number}")) for number in range(5)]
    await asyncio.sleep(0)
    assert here.runtime.scheduler.waiting_turns == 5
    here.holds.go_on(B, PAUSED)
    assert A not in await asyncio.gather(*turns)
    assert not here.runtime.scheduler.syncing


@on_loop
async def test_an_engine_that_was_stopped_for_two_causes_goes_on_after_both(here: Fixture) -> None:
    here.holds.stop(B, {"weights", "kv_cache"})
    here.holds.go_on(B, {"weights"})
    assert await here.where() == {A}
    here.holds.go_on(B, {"kv_cache"})
    here.holds.go_on(B, {"kv_cache"})
    assert {B0, B1} & await here.where(40)


@on_loop
async def test_nothing_happens_for_no_cause(here: Fixture) -> None:
    here.holds.stop(A, frozenset())
    here.holds.stop(B, frozenset())
    here.holds.go_on(A, PAUSED)
    assert not await here.held()


@on_loop
async def test_a_trainer_holds_turns_until_he_says_so_whatever_engines_do(here: Fixture) -> None:
    here.holds.begin()
    for url in (A, B):
        here.holds.stop(url, PAUSED)
    for url in (A, B):
        here.holds.go_on(url, PAUSED)
    assert await here.held()
    here.holds.end(kv_lost=False)
    assert not await here.held()


@on_loop
async def test_after_a_trainers_end_the_turns_of_stopped_engines_are_still_held(here: Fixture) -> None:
    before = await here.turn("p")
    backend = here.runtime.scheduler.ledger.backends[before]
    epoch = backend.epoch
    here.holds.begin()
    here.holds.stop(A, PAUSED)
    here.holds.stop(B, PAUSED)
    here.holds.end(kv_lost=False)
    assert backend.epoch == epoch
    here.holds.end(kv_lost=True)
    assert backend.epoch != epoch
    assert await here.held()
    here.holds.go_on(A, PAUSED)
    assert not await here.held()


@on_loop
async def test_an_engine_that_comes_back_runs(here: Fixture) -> None:
    here.holds.stop(A, PAUSED)
    here.leave(A, A)
    here.join(A)
    assert A in await here.where(40)
    here.leave(B0, B)
    assert not await here.held()


@on_loop
async def test_a_new_engine_ends_the_wait_for_stopped_ones(here: Fixture) -> None:
    here.holds.stop(A, PAUSED)
    here.holds.stop(B, PAUSED)
    turn = asyncio.create_task(here.turn("p"))
    await asyncio.sleep(0)
    here.join("http://c")
    assert await turn == "http://c"


@on_loop
async def test_a_trainer_who_never_ends_is_given_up_and_may_begin_again(here: Fixture) -> None:
    here.holds.begin()
    here.runtime.end_weight_sync(kv_lost=True)  # as the scheduler ends one that has lasted too long
    here.holds.stop(A, PAUSED)
    here.holds.go_on(A, PAUSED)
    assert not await here.held()
    here.holds.begin()
    assert await here.held()
