"""An engine whose data-parallel ranks are backends of their own: they share its connections, and nothing else."""

from __future__ import annotations

import asyncio

import pytest

from tests.adapters.gateway.reliability import apis
from tests.adapters.gateway.reliability.behaviours import answers, begins, fails, falls_silent, once_open, stalls
from tests.adapters.gateway.reliability.fake_engine import Visit
from tests.adapters.gateway.reliability.watched import page, watched_world
from tests.adapters.gateway.reliability.world import World, on_loop, soon, until, world
from thunderagent.adapters.gateway.routes import Route

RANKS = ("#0", "#1")
RANK = "x-data-parallel-rank"


def route_of(backend: str) -> Route:
    """As the session's engines are routed."""
    url, _, rank = backend.partition("#")
    return Route(url, int(rank) if rank else None)


def rank_of(visit: Visit) -> str:
    return "#" + visit.headers[RANK]


@pytest.mark.parametrize("path", apis.PATHS)
@on_loop
async def test_each_turn_names_the_rank_that_it_was_admitted_to(path: str) -> None:
    async with world(route_of=route_of, ranks=RANKS, mode="thunder", capacity_tokens=10_000) as here:
        client = await here.client()
        for number in range(6):
            answer = await client.ask(path, program_id=f"p{number}")
            assert answer.status == 200
            assert answer.headers["x-thunder-backend"] == here.engine.url + rank_of(here.engine.visits[-1])
        assert {rank_of(visit) for visit in here.engine.visits} == set(RANKS)
        assert here.engine.connected == 1


@on_loop
async def test_a_program_stays_on_its_rank() -> None:
    async with world(route_of=route_of, ranks=RANKS, mode="thunder", capacity_tokens=10_000) as here:
        for _ in range(4):
            for program in ("p", "q"):
                await here.ask(program_id=program)
        visits = here.engine.visits
        assert {rank_of(visit) for visit in visits[::2]} ^ {rank_of(visit) for visit in visits[1::2]} == set(RANKS)


@on_loop
async def test_a_rank_that_the_client_names_is_refused_and_leaves_no_trace() -> None:
    async with world(route_of=route_of, ranks=RANKS) as here:
        before = here.tables()
        answer = await here.ask(headers="X-Data-Parallel-Rank: 1\r\n")
        assert (answer.status, answer.reason) == (400, "rank_is_chosen")
        assert (await here.ask(apis.GENERATE, routed_dp_rank=1)).reason == "rank_is_chosen"
        await here.until_tables_are(before)
        assert here.engine.visits == []


@on_loop
async def test_an_engine_without_ranks_gets_the_header_as_ever() -> None:
    async with world(route_of=route_of) as here:
        await here.ask(headers="X-Data-Parallel-Rank: 1\r\n")
        assert here.engine.visits[0].headers[RANK] == "1"


@pytest.mark.parametrize("behaviour", [stalls, falls_silent])
@on_loop
async def test_turns_of_a_lost_rank_move_and_those_of_the_other_go_on(behaviour: object) -> None:
    gate = asyncio.Event()
    async with world(route_of=route_of, ranks=RANKS, mode="thunder", capacity_tokens=10_000, attempts=3) as here:
        here.engine.behaviour = once_open(gate)
        asking = [asyncio.create_task(here.ask(program_id=program)) for program in ("p", "q")]
        first = [await here.engine.visit(number) for number in range(2)]
        lost, kept = sorted(first, key=lambda visit: rank_of(visit) == "#0", reverse=True)
        here.lose(here.engine, "#0")
        await soon(lost.left)
        again = await here.engine.visit(2)
        assert rank_of(again) == "#1"
        assert not kept.left.done()
        gate.set()
        assert [answer.status for answer in await asyncio.gather(*asking)] == [200, 200]


@on_loop
async def test_a_stream_of_a_lost_rank_ends_with_an_error() -> None:
    async with world(falls_silent, route_of=route_of, ranks=RANKS) as here:
        client = await here.client()
        await client.send(apis.request(stream=True))
        await client.head()
        await client.piece()
        visit = await here.engine.visit()
        here.lose(here.engine, rank_of(visit))
        assert b"has left" in await soon(client.piece())
        await soon(visit.left)


@on_loop
async def test_a_rank_that_is_lost_while_its_turn_connects_gets_nothing() -> None:
    async with world(route_of=route_of, ranks=("#0",), attempts=1) as here:
        here.engine.behaviour = stalls
        asking = asyncio.create_task(here.ask())
        await until(lambda: here.gateway.fleet.in_flight == 1)
        here.lose(here.engine, "#0")
        assert (await asking).status == 503


@on_loop
async def test_a_rank_that_fails_is_taken_out_and_probed_alone() -> None:
    async def behaves(visit: Visit) -> None:
        own_probe = b'"max_tokens": 1}' in visit.body
        await (fails(500) if visit.headers[RANK] == "0" and not own_probe else answers)(visit)

    settings = {"breaker_failures": 2, "breaker_open_s": 0.01, "attempts": 5}
    async with world(behaves, route_of=route_of, ranks=RANKS, **settings) as here:  # type: ignore[arg-type]
        for number in range(4):
            assert (await here.ask(program_id=f"p{number}")).status == 200
        opened = {view.id: view.opened for view in here.gateway.fleet.views()}
        assert opened[here.engine.url + "#0"] > 0
        assert opened[here.engine.url + "#1"] == 0
        await until(lambda: [visit for visit in here.engine.visits if b'"max_tokens": 1}' in visit.body])
        probes = [visit for visit in here.engine.visits if b'"max_tokens": 1}' in visit.body]
        assert {rank_of(visit) for visit in probes} == {"#0"}


@on_loop
async def test_models_are_asked_of_each_engine_once() -> None:
    async with world(engines=2, route_of=route_of, ranks=RANKS) as here:
        assert (await here.get("/v1/models")).status == 200
        assert [len(engine.others) for engine in here.engines] == [1, 1]


@pytest.mark.parametrize(("name", "rank"), [("", None), ("#1", "1")])
@on_loop
async def test_other_requests_may_name_an_engine_or_a_rank(name: str, rank: str | None) -> None:
    async def embeds(visit: Visit) -> None:
        visit.respond(200, b"{}")

    async with world(engines=2, route_of=route_of, ranks=RANKS) as here:
        engine = here.engines[1]
        engine.other = embeds
        header = f"X-Thunder-Backend: {engine.url}{name}\r\n"
        assert (await here.post("/v1/embeddings", b"{}", header)).status == 200
        assert engine.others[0].headers.get(RANK) == rank
        both = await here.post("/v1/embeddings", b"{}", header + "X-Data-Parallel-Rank: 0\r\n")
        assert both.status == (200 if rank is None else 400)


@on_loop
async def test_an_engine_that_tells_of_two_ranks_has_its_turns_sent_to_both() -> None:
    async with watched_world() as here:
        here.engine.metrics = page(1_001, ranks=2)
        await until(lambda: here.runtime.backends == [here.engine.url + rank for rank in RANKS])
        for number in range(6):
            answer = await here.ask(program_id=f"p{number}")
            assert answer.headers["x-thunder-backend"] == here.engine.url + rank_of(here.engine.visits[-1])
        assert {rank_of(visit) for visit in here.engine.visits} == set(RANKS)
        (worker,) = here.gateway.workers.list()
        assert worker.backends == tuple(here.runtime.backends)
        assert worker.requests == 6
        await here.gateway.workers.drain(here.engine.url)
        await until(lambda: here.runtime.backends == [])


@on_loop
async def test_connections_stay_until_the_last_rank_has_left() -> None:
    async with world(begins, route_of=route_of, ranks=RANKS) as here:
        await ask_nothing(here)
        here.lose(here.engine, "#0")
        await ask_nothing(here)
        assert here.engine.connected == 1
        here.lose(here.engine, "#1")
        await until(lambda: not here.engine.connections)


async def ask_nothing(here: World) -> None:
    assert (await here.get("/v1/models")).status == 200
