"""An engine that does not see at once that a client has left is told: once, and only of requests that nobody waits for."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.adapters.gateway.reliability import apis
from tests.adapters.gateway.reliability.behaviours import breaks_off, chats, fails, falls_silent, resets, stalls
from tests.adapters.gateway.reliability.fake_engine import Behaviour, FakeEngine, Visit
from tests.adapters.gateway.reliability.world import World, on_loop, soon, until, until_still, world
from thunderagent.adapters.gateway.routes import AbortCall, Route

TAKE_IDS = (apis.CHAT, apis.COMPLETIONS, apis.GENERATE)
streamed = pytest.mark.parametrize("stream", [True, False], ids=["stream", "json"])


def route_of(url: str) -> Route:
    """As SGLang is routed."""
    return Route(url, abort=lambda rid: AbortCall(b"/abort_request", json.dumps({"rid": rid}).encode()))


async def takes_aborts(visit: Visit) -> None:
    visit.respond(200, b"")


def aborted(engine: FakeEngine) -> list[str]:
    """Ids, in the order of their aborts."""
    return [json.loads(visit.body)["rid"] for visit in engine.others if visit.path == "/abort_request"]


def asked(engine: FakeEngine) -> list[str]:
    return [json.loads(visit.body)["rid"] for visit in engine.visits]


async def nothing_more_comes(here: World) -> None:
    await until_still(lambda: sum(len(engine.others) for engine in here.engines))


@streamed
@pytest.mark.parametrize("path", TAKE_IDS)
@pytest.mark.parametrize("behaviour", [stalls, falls_silent, chats])
@on_loop
async def test_a_client_that_leaves_is_told_of_once(behaviour: Behaviour, path: str, stream: bool) -> None:
    async with world(behaviour, route_of=route_of) as here:
        here.engine.other = takes_aborts
        for number in range(3):
            client = await here.client()
            await client.send(apis.request(path, stream=stream), path, headers="authorization: Bearer theirs\r\n")
            visit = await here.engine.visit(number)
            if stream and behaviour is not stalls:
                await client.head()
            (client.leave if number % 2 else client.vanish)()
            await soon(visit.left)
            await until(lambda number=number: len(aborted(here.engine)) > number)
        await nothing_more_comes(here)
        assert aborted(here.engine) == asked(here.engine)
        assert {visit.headers["authorization"] for visit in here.engine.others} == {"Bearer theirs"}


@streamed
@pytest.mark.parametrize("path", apis.PATHS)
@on_loop
async def test_nobody_is_told_of_a_request_that_was_answered(path: str, stream: bool) -> None:
    async with world(route_of=route_of) as here:
        here.engine.other = takes_aborts
        assert (await here.ask(path, stream=stream)).status == 200
        await nothing_more_comes(here)
        assert here.engine.others == []


@pytest.mark.parametrize("fault", [fails(400), fails(503), resets])
@on_loop
async def test_nor_of_one_that_the_engine_itself_has_ended(fault: Behaviour) -> None:
    async with world(fault, route_of=route_of, attempts=2) as here:
        here.engine.other = takes_aborts
        assert (await here.ask()).status >= 400
        await nothing_more_comes(here)
        assert here.engine.others == []


@on_loop
async def test_nor_of_one_whose_stream_broke_off() -> None:
    async with world(breaks_off, route_of=route_of) as here:
        here.engine.other = takes_aborts
        await here.ask(stream=True)
        await nothing_more_comes(here)
        assert here.engine.others == []


@on_loop
async def test_nor_of_one_that_waits_for_admission() -> None:
    async with world(stalls, mode="cap", config={"programs_per_engine": 1}, route_of=route_of) as here:
        here.engine.other = takes_aborts
        holder, waiting = await here.client(), await here.client()
        await holder.send(apis.request(program_id="holder"))
        await here.engine.visit()
        await waiting.send(apis.request(program_id="waits"))
        await until(lambda: here.runtime.scheduler.waiting_turns == 1)
        waiting.leave()
        await until(lambda: here.runtime.scheduler.waiting_turns == 0)
        await nothing_more_comes(here)
        assert here.engine.others == []
        holder.leave()
        await until(lambda: aborted(here.engine))


@streamed
@on_loop
async def test_one_that_took_too_long_is_aborted(stream: bool) -> None:
    async with world(falls_silent, route_of=route_of, timeout_s=0.05) as here:
        here.engine.other = takes_aborts
        await here.ask(stream=stream)
        await until(lambda: aborted(here.engine) == asked(here.engine))


@on_loop
async def test_every_try_that_did_not_begin_to_answer_in_time_is_aborted() -> None:
    async with world(stalls, route_of=route_of, first_byte_timeout_s=0.02, attempts=3) as here:
        here.engine.other = takes_aborts
        assert (await here.ask()).status == 503
        await until(lambda: len(aborted(here.engine)) == 3)
        assert sorted(aborted(here.engine)) == sorted(asked(here.engine))
        assert len(set(asked(here.engine))) == 3


@on_loop
async def test_one_whose_engine_was_taken_away_is_aborted_there() -> None:
    async with world(stalls, engines=1, route_of=route_of, attempts=1) as here:
        here.engine.other = takes_aborts
        asking = asyncio.create_task(here.ask())
        await here.engine.visit()
        here.lose(here.engine)
        assert (await asking).status == 503
        await until(lambda: aborted(here.engine) == asked(here.engine))


@pytest.mark.parametrize("refuses", [stalls, fails(401), resets])
@on_loop
async def test_an_engine_that_takes_no_aborts_disturbs_nobody(refuses: Behaviour) -> None:
    async with world(stalls, route_of=route_of) as here:
        here.engine.other = refuses
        before = here.tables()
        client = await here.client()
        await client.send(apis.request())
        await here.engine.visit()
        client.leave()
        await until(lambda: here.engine.others)
        if refuses is not stalls:
            await here.until_tables_are(before | {"busy": {here.engine.url: 0}})


@on_loop
async def test_a_clients_own_id_stays_and_is_its_own_matter() -> None:
    async with world(stalls, route_of=route_of) as here:
        here.engine.other = takes_aborts
        client = await here.client()
        await client.send(apis.request(rid="mine"))
        visit = await here.engine.visit()
        assert asked(here.engine) == ["mine"]
        client.leave()
        await soon(visit.left)
        await nothing_more_comes(here)
        assert here.engine.others == []


@on_loop
async def test_the_gateways_keys_are_not_shown_to_the_engine() -> None:
    async with world(stalls, route_of=route_of, api_keys=("ours",)) as here:
        here.engine.other = takes_aborts
        client = await here.client()
        await client.send(apis.request(), headers="authorization: Bearer ours\r\n")
        await here.engine.visit()
        client.leave()
        await until(lambda: aborted(here.engine))
        assert "authorization" not in here.engine.others[0].headers
