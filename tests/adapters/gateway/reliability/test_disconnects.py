"""Case 1: a client that leaves, in every phase, on every endpoint; the engine knows within 50 ms, and nothing remains."""

from __future__ import annotations

import asyncio
import random
import statistics
from collections.abc import Iterator

import pytest

from tests.adapters.gateway.reliability import apis
from tests.adapters.gateway.reliability.behaviours import answers, chats, fails, falls_silent, resets, stalls
from tests.adapters.gateway.reliability.client import Client
from tests.adapters.gateway.reliability.fake_engine import Behaviour, Visit
from tests.adapters.gateway.reliability.world import World, on_loop, until, world

WITHIN_S = 0.05
ROUNDS = 3
DISCONNECTS = 10_000
BATCH = 250
PATIENCE_TURNS = 1_000
"""Of the event loop, which all parties share: it turns as fast as they work, on every machine."""

streamed = pytest.mark.parametrize("stream", [True, False], ids=["stream", "json"])


def leaves(client: Client, number: int) -> float:
    """In turns the polite way and the other; gives the time."""
    (client.leave if number % 2 else client.vanish)()
    return asyncio.get_running_loop().time()


def requests() -> Iterator[tuple[int, str]]:
    """All endpoints, several times."""
    return enumerate(apis.PATHS * ROUNDS)


@streamed
@pytest.mark.parametrize("behaviour", [stalls, falls_silent, chats])
@on_loop
async def test_the_engine_sees_within_50_ms_that_its_client_has_left(behaviour: Behaviour, stream: bool) -> None:
    async with world(behaviour) as here:
        before = here.tables()
        took_s = []
        for number, path in requests():
            client = await here.client()
            await client.send(apis.request(path, stream=stream), path)
            visit = await here.engine.visit(number)
            if stream and behaviour is not stalls:
                await client.head()
                assert await client.piece()
            left_s = leaves(client, number)
            await asyncio.wait_for(asyncio.shield(visit.left), 10)
            assert visit.left_s is not None
            took_s.append(visit.left_s - left_s)
            await here.until_tables_are(before | {"busy": {here.engine.url: 0}})
        assert statistics.median(took_s) < WITHIN_S
        assert here.gateway.counts.disconnects == len(took_s)
        assert {step.outcome for step in here.steps} == {"cancelled"}


async def holding_all_slots(here: World) -> None:
    await here.ask(program_id="holder")


async def holding_all_kv(here: World) -> None:
    client = await here.client()
    here.kept.append(client)
    await client.send(apis.request(apis.TOKENS, program_id="holder", token_ids=[7] * 868), apis.TOKENS)
    await here.engine.visit(0)


@streamed
@pytest.mark.parametrize(("mode", "hold"), [("cap", holding_all_slots), ("thunder", holding_all_kv), ("tr", holding_all_kv)])
@on_loop
async def test_a_request_that_waits_for_admission_goes_with_its_client(mode: str, hold: object, stream: bool) -> None:
    config = {"programs_per_engine": 1, "resume_below": 0.87} if mode != "cap" else {"programs_per_engine": 1}
    behaviour = answers if mode == "cap" else stalls
    async with world(behaviour, mode=mode, capacity_tokens=1_000, config=config) as here:
        await hold(here)  # type: ignore[operator]
        before = here.tables()
        took_s = []
        for number, path in requests():
            client = await here.client()
            await client.send(apis.request(path, stream=stream), path)
            await until(lambda: here.runtime.scheduler.waiting_turns == 1)
            left_s = leaves(client, number)
            await until(lambda: here.runtime.scheduler.waiting_turns == 0)
            took_s.append(asyncio.get_running_loop().time() - left_s)
            await here.until_tables_are(before)
        assert statistics.median(took_s) < WITHIN_S
        assert len(here.engine.visits) == 1
        assert here.runtime.scheduler.counters.cancelled == len(took_s)


@streamed
@on_loop
async def test_a_client_that_leaves_between_turns_changes_nothing(stream: bool) -> None:
    async with world(mode="thunder", capacity_tokens=10_000) as here:
        for number, path in requests():
            client = await here.client()
            assert (await client.ask(path, stream=stream, program_id=path)).status == 200
            before = here.tables()
            leaves(client, number)
            await asyncio.sleep(0)
            await here.until_tables_are(before)
            assert here.runtime.scheduler.programs[path].status.name == "ACTING"
        assert here.engine.connected == 1
        assert here.gateway.counts.disconnects == 0


@streamed
@on_loop
async def test_a_client_that_leaves_while_another_try_is_due_is_not_tried_for_again(stream: bool) -> None:
    async with world(fails(503, "retry-after: 3600\r\n")) as here:
        before = here.tables()
        for number, path in requests():
            client = await here.client()
            await client.send(apis.request(path, stream=stream), path)
            await here.engine.visit(number)
            await until(lambda: here.gateway.fleet.in_flight == 0)
            leaves(client, number)
            await here.until_tables_are(before | {"busy": {here.engine.url: 0}})
            here.gateway.left(here.engine.url)  # its breaker would open
            here.gateway.joined(here.engine.url)
        assert len(here.engine.visits) == len(apis.PATHS) * ROUNDS


@on_loop
async def test_a_client_that_leaves_before_its_request_is_whole_was_never_there() -> None:
    async with world() as here:
        before = here.tables()
        whole = b"POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\ncontent-length: 500\r\n\r\n" + b" " * 499
        for number, length in enumerate(range(1, len(whole), 7)):
            client = await here.client()
            await client.write(whole[:length])
            leaves(client, number)
        await here.until_tables_are(before)
        assert here.engine.visits == []


@on_loop
async def test_a_second_request_on_the_connection_does_not_hide_that_the_client_has_left() -> None:
    async with world(stalls) as here:
        before = here.tables()
        for number, path in requests():
            client = await here.client()
            await client.send(apis.request(path, stream=True), path)
            await client.send(apis.request(path), path)  # pipelined
            visit = await here.engine.visit(number)
            leaves(client, number)
            await asyncio.wait_for(asyncio.shield(visit.left), 10)
            await here.until_tables_are(before | {"busy": {here.engine.url: 0}})
        assert len(here.engine.visits) == len(apis.PATHS) * ROUNDS


@on_loop
async def test_ten_thousand_random_disconnects_leave_no_residue() -> None:
    """Clients of every kind leave at random moments, before a scheduler that has to park many of them."""
    drawn = random.Random(20_260_502)
    kinds: list[Behaviour] = [answers, answers, answers, stalls, falls_silent, chats, fails(500), resets]

    async def behaves(visit: Visit) -> None:
        await drawn.choice(kinds)(visit)

    async def one(here: World, number: int) -> None:
        path, stream = drawn.choice(apis.PATHS), drawn.random() < 0.5
        program_id = drawn.choice([None, f"program-{number % 50}"])
        client = await here.client()
        whole = apis.request(path, stream=stream, program_id=program_id)
        head = f"POST {path} HTTP/1.1\r\nhost: g\r\ncontent-length: {len(whole)}\r\n\r\n".encode()
        moment = drawn.random()
        if moment < 0.1:
            await client.write((head + whole)[: drawn.randrange(len(head + whole))])
        else:
            await client.write(head + whole)
        wanted: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        if moment >= 0.4:
            wanted = asyncio.ensure_future(client.reader.read(1) if moment < 0.7 else client.answer())
        for _ in range(drawn.randrange(30 if moment < 0.4 else PATIENCE_TURNS)):
            if wanted.done():
                break
            await asyncio.sleep(0)
        wanted.cancel()
        await asyncio.wait([wanted])
        leaves(client, number)

    async with world(
        behaves, engines=2, mode="thunder", capacity_tokens=1_000, max_queue=5, breaker_failures=1_000_000, attempts=2
    ) as here:
        empty = here.tables()
        for first in range(0, DISCONNECTS, BATCH):
            await asyncio.gather(*(one(here, number) for number in range(first, first + BATCH)))
        counts = here.gateway.counts
        await until(lambda: counts.open_requests == 0)
        assert counts.disconnects > DISCONNECTS / 5  # in the midst of a request, not before or after it
        parked = here.runtime.scheduler.counters.parked
        assert min(counts.problems["queue_full"], counts.retries, here.runtime.totals.steps, parked) > 50
        for number in range(50):
            here.runtime.release(f"program-{number}")
        await here.until_tables_are(empty | {"busy": {engine.url: 0 for engine in here.engines}})
        await until(lambda: here.engines[0].open == here.engines[1].open == 0)
        ledger = here.runtime.scheduler.ledger
        assert all(backend.resident == backend.private_tokens == 0 for backend in ledger.backends.values())
        assert here.gateway._relay._retries._waiting.__len__() == 0
        assert len(asyncio.all_tasks()) <= 2 + sum(len(engine.connections) for engine in here.engines)
