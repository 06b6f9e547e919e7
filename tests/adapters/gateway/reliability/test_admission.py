"""Cases 2, 3, 13 and 14: cancelled admissions, late writes, bounded waits, abandoned programs."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.adapters.gateway.reliability import apis
from tests.adapters.gateway.reliability.behaviours import answers, once_open, stalls
from tests.adapters.gateway.reliability.client import Client
from tests.adapters.gateway.reliability.fake_engine import Visit
from tests.adapters.gateway.reliability.world import World, on_loop, soon, until, world
from thunderagent.core import Limits

CAPACITY = 1_000


async def sent(here: World, program_id: str | None, tokens: int) -> Client:
    """A turn of so many tokens is on its way."""
    client = await here.client()
    here.kept.append(client)
    await client.send(apis.request(apis.TOKENS, program_id=program_id, token_ids=[1] * tokens), apis.TOKENS)
    return client


async def waiting(here: World, turns: int) -> None:
    await until(lambda: here.runtime.scheduler.waiting_turns == turns)


@on_loop
async def test_a_new_program_whose_first_turn_is_cancelled_leaves_no_trace() -> None:
    async with world(stalls, mode="thunder", capacity_tokens=CAPACITY) as here:
        await sent(here, "holder", 860)
        await here.engine.visit(0)
        before = here.tables()
        newcomer = await sent(here, "newcomer", 100)
        await waiting(here, 1)
        newcomer.vanish()
        await here.until_tables_are(before)
        assert "newcomer" not in here.runtime.scheduler.programs
        assert here.runtime.steps("newcomer") == 0


@on_loop
async def test_a_known_program_whose_turn_is_cancelled_is_as_it_was() -> None:
    async with world(mode="thunder", capacity_tokens=CAPACITY) as here:
        programs = here.runtime.scheduler.programs
        for program_id, takes_all in (("known", "large"), ("lent", "larger")):
            assert (await (await sent(here, program_id, 45)).answer()).status == 200
            here.engine.behaviour = stalls
            other = await sent(here, takes_all, 980)
            await until(lambda: here.engine.open == 1)
            assert programs[program_id].status.name == "PAUSED"
            before = here.tables()
            comes_back = await sent(here, program_id, 45)
            await waiting(here, 1)
            assert programs[program_id].status.name == "PARKED"
            comes_back.vanish()
            await here.until_tables_are(before)
            other.vanish()
            here.runtime.release(takes_all)
            await until(lambda: here.engine.open == 0)
            here.engine.behaviour = answers
            assert (await (await sent(here, program_id, 50)).answer()).status == 200
            assert here.runtime.steps(program_id) == 2
            here.runtime.release(program_id)


@on_loop
async def test_whoever_waits_behind_one_who_leaves_is_not_stranded() -> None:
    async with world(stalls, mode="thunder", capacity_tokens=CAPACITY) as here:
        await sent(here, None, 600)
        await here.engine.visit(0)
        first = await sent(here, "first", 500)
        await waiting(here, 1)
        await sent(here, "second", 100)  # would fit, but comes later
        await waiting(here, 2)
        first.vanish()
        assert b"[1, 1" in (await soon(here.engine.visit(1))).body
        await waiting(here, 0)
        assert here.runtime.scheduler.programs["second"].status.name == "REASONING"


@on_loop
async def test_a_cancellation_that_is_delivered_twice_happens_once() -> None:
    async with world(stalls, mode="cap", config={"programs_per_engine": 1}) as here:
        before = here.tables()
        for parked in (False, True):
            clients = [await sent(here, None, 9) for _ in range(1 + parked)]
            await until(lambda parked=parked: here.engine.open == 1 and here.runtime.scheduler.waiting_turns == parked)
            running = [connection.running for connection in here.state.connections]
            for client in clients:
                client.vanish()
            await until(lambda running=running: all(exchange.disconnected for exchange in running))
            for exchange in running:
                exchange.set()
                exchange.expire()
            await here.until_tables_are(before | {"busy": {here.engine.url: 0}})
        assert here.runtime.scheduler.counters.cancelled == here.gateway.counts.disconnects == 3


@on_loop
async def test_the_end_of_a_released_programs_turn_is_late_and_counted() -> None:
    gate = asyncio.Event()
    async with world(once_open(gate), mode="thunder", capacity_tokens=CAPACITY) as here:
        for stream in (True, False):
            client = await here.client()
            await client.send(apis.request(stream=stream, program_id="p"))
            await until(lambda: here.engine.open == 1)
            manager = await here.client()
            await manager.send(b'{"program_id": "p"}', "/programs/release")
            assert (await manager.answer()).status == 200
            late = here.runtime.scheduler.counters.late_events
            gate.set()
            answer = await soon(client.answer())
            assert (answer.status, answer.whole) == (200, True)
            await until(lambda: here.gateway.counts.open_requests == 0)
            assert here.runtime.scheduler.counters.late_events > late
            assert here.runtime.scheduler.programs == {}
            gate.clear()


@on_loop
async def test_a_program_that_is_released_while_its_turn_waits_is_told() -> None:
    async with world(stalls, mode="cap", config={"programs_per_engine": 1}) as here:
        await sent(here, "holder", 9)
        await here.engine.visit(0)
        client = await sent(here, "p", 9)
        await waiting(here, 1)
        manager = await here.client()
        await manager.send(b'{"program_id": "p"}', "/programs/release")
        answer = await soon(client.answer())
        assert (answer.status, answer.reason) == (409, "program_released")
        assert len(here.engine.visits) == 1


@pytest.mark.parametrize("mode", ["thunder", "tr"])
@pytest.mark.parametrize("seed", range(3))
@on_loop
async def test_every_parked_turn_is_admitted_within_the_bound_in_whatever_order_it_came(mode: str, seed: int) -> None:
    bound_s = 0.3
    drawn = random.Random(seed)
    async with world(stalls, mode=mode, capacity_tokens=CAPACITY, config={"max_wait_s": bound_s}) as here:
        await sent(here, "holder", 860)
        await here.engine.visit(0)
        sizes = [drawn.choice([5, 50, 300, 700, 999]) for _ in range(30)]
        arrived_s = asyncio.get_running_loop().time()
        for number, size in enumerate(sizes):
            await sent(here, f"p{number}" if drawn.random() < 0.7 else None, size)
        last = await soon(here.engine.visit(len(sizes)))
        assert last.came_s - arrived_s < bound_s + 2.0  # for a machine that is busy with other things
        assert here.runtime.scheduler.waiting_turns == 0
        here.runtime.scheduler.check_invariants()


@on_loop
async def test_a_turn_that_is_never_admitted_is_refused_within_its_patience() -> None:
    async with world(stalls, mode="cap", config={"programs_per_engine": 1}, max_wait_s=0.1) as here:
        await sent(here, "holder", 9)
        await here.engine.visit(0)
        clients = [await sent(here, None, 9) for _ in range(20)]
        answers_ = [await soon(client.answer()) for client in clients]
        assert {(answer.status, answer.reason) for answer in answers_} == {(503, "wait_timeout")}
        assert all(answer.retry_after_s >= 1 for answer in answers_)


@on_loop
async def test_abandoned_programs_expire_and_those_in_flight_or_parked_never_do() -> None:
    async def behaves(visit: Visit) -> None:
        await (stalls if b"[1, 1, 1]" in visit.body else answers)(visit)

    async with world(behaves, mode="cap", config={"programs_per_engine": 3}, limits=Limits(idle_ttl_s=0.2)) as here:
        programs = here.runtime.scheduler.programs
        await sent(here, "in flight", 3)
        for program_id in ("abandoned", "abandoned too"):
            assert (await (await sent(here, program_id, 2)).answer()).status == 200
        assert (await here.get("/programs")).status == 200
        await sent(here, "parked", 3)
        await waiting(here, 1)
        assert set(programs) == {"in flight", "abandoned", "abandoned too", "parked"}
        await until(lambda: set(programs) == {"in flight", "parked"})
        await waiting(here, 0)  # it has the slot of one that expired
        assert here.runtime.scheduler.counters.expired == 2
        since_s = here.engine.visits[0].came_s
        await until(lambda: asyncio.get_running_loop().time() > since_s + 0.6)
        assert set(programs) == {"in flight", "parked"}
