"""Requests that act on engines reach all of them, or the one that is named; the scheduler learns what became of KV and turns."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.adapters.gateway.reliability.behaviours import fails, resets, stalls
from tests.adapters.gateway.reliability.fake_engine import FakeEngine, Visit
from tests.adapters.gateway.reliability.test_ranks import RANKS, route_of
from tests.adapters.gateway.reliability.world import World, on_loop, soon, until, world

MODE: dict[str, Any] = {"mode": "thunder", "capacity_tokens": 10_000}


async def obeys(visit: Visit) -> None:
    """Do what is asked."""
    visit.respond(200, json.dumps({"done": visit.path}).encode())


def obeying(here: World) -> None:
    for engine in here.engines:
        engine.other = obeys


def epochs(here: World) -> dict[str, int]:
    return {backend.id: backend.epoch for backend in here.runtime.scheduler.ledger.backends.values()}


def named(engine: FakeEngine, rank: str = "") -> str:
    return f"X-Thunder-Backend: {engine.url}{rank}\r\n"


# Whom it reaches


@on_loop
async def test_the_answer_of_the_only_engine_is_the_clients() -> None:
    async with world() as here:
        obeying(here)
        answer = await here.post("/pause?mode=keep", b'{"a": 1}')
        assert (answer.status, answer.json) == (200, {"done": "/pause"})
        assert here.engine.others[0].body == b'{"a": 1}'


@on_loop
async def test_all_engines_get_it_at_once_and_each_has_its_answer() -> None:
    gate = asyncio.Event()
    async with world(engines=3, route_of=route_of, ranks=RANKS) as here:

        async def waits_for_the_others(visit: Visit) -> None:
            if all(engine.others for engine in here.engines):
                gate.set()
            await gate.wait()
            await obeys(visit)

        for engine in here.engines:
            engine.other = waits_for_the_others
        answer = await soon(here.post("/resume"))
        assert answer.status == 200
        assert answer.json == {"engines": {engine.url: {"status": 200, "answer": {"done": "/resume"}} for engine in here.engines}}
        assert [len(engine.others) for engine in here.engines] == [1, 1, 1]


@pytest.mark.parametrize("rank", ["", "#1"])
@on_loop
async def test_an_engine_that_is_named_gets_it_alone(rank: str) -> None:
    async with world(engines=2, route_of=route_of, ranks=RANKS) as here:
        obeying(here)
        answer = await here.post("/reset_prefix_cache", b"", named(here.engines[1], rank))
        assert answer.json == {"done": "/reset_prefix_cache"}
        assert [len(engine.others) for engine in here.engines] == [0, 1]


@on_loop
async def test_what_is_meant_for_one_engine_has_to_name_it() -> None:
    async with world(engines=2) as here:
        obeying(here)
        answer = await here.post("/collective_rpc", b"{}")
        assert (answer.status, answer.reason) == (400, "engine_not_named")
        assert here.engines[1].url in answer.json["error"]["message"]
        assert (await here.post("/collective_rpc", b"{}", named(here.engines[0]))).status == 200


@on_loop
async def test_without_an_engine_nobody_does_it() -> None:
    async with world(engines=0) as here:
        assert (await here.post("/pause")).reason == "no_backend"


@on_loop
async def test_an_engine_that_is_not_there_cannot_be_named() -> None:
    async with world() as here:
        assert (await here.post("/pause", b"", "X-Thunder-Backend: http://nobody\r\n")).status == 404


@on_loop
async def test_mixed_results_are_told_of_each_engine() -> None:
    async with world(engines=3, **MODE) as here:
        before = epochs(here)
        here.engines[0].other, here.engines[1].other, here.engines[2].other = obeys, fails(500), resets
        answer = await here.post("/pause")
        assert (answer.status, answer.reason) == (502, "engines_failed")
        told = answer.json["engines"]
        assert [told[engine.url]["status"] for engine in here.engines] == [200, 500, None]
        assert "broke the connection" in told[here.engines[2].url]["answer"] or "closed" in told[here.engines[2].url]["answer"]
        lost = {url for url, epoch in epochs(here).items() if epoch != before[url]}
        assert lost == {here.engines[0].url}
        assert {(await here.ask(program_id=f"p{n}")).headers["x-thunder-backend"] for n in range(6)} == {
            engine.url for engine in here.engines[1:]
        }


@pytest.mark.parametrize(("behaviour", "status"), [(fails(404), 404), (resets, 502)])
@on_loop
async def test_where_all_engines_say_the_same_so_does_the_status(behaviour: Any, status: int) -> None:
    async with world(engines=2) as here:
        for engine in here.engines:
            engine.other = behaviour
        answer = await here.post("/flush_cache")
        assert (answer.status, answer.reason) == (status, "engines_failed")


@pytest.mark.parametrize(("behaviour", "status", "reason"), [(resets, 503, "backend_failed"), (stalls, 503, "backend_failed")])
@on_loop
async def test_the_only_engine_that_does_not_answer_is_a_problem(behaviour: Any, status: int, reason: str) -> None:
    async with world(timeout_s=0.05) as here:
        here.engine.other = behaviour
        answer = await here.post("/pause")
        assert (answer.status, answer.reason) == (status, reason)
        assert not here.runtime.scheduler.syncing


@on_loop
async def test_a_client_that_leaves_does_not_stop_it_half_way() -> None:
    gate = asyncio.Event()

    async def obeys_later(visit: Visit) -> None:
        await gate.wait()
        await obeys(visit)

    async with world() as here:
        here.engine.other = obeys_later
        client = await here.client()
        await client.send(b"", "/pause")
        await until(lambda: here.engine.others)
        client.leave()
        await until(lambda: not here.state.connections)
        gate.set()
        await until(lambda: here.runtime.scheduler.syncing)


# Who may


@pytest.mark.parametrize(("key", "status"), [("", 401), ("api", 401), ("admin", 200)])
@on_loop
async def test_it_needs_an_admin_key_where_there_is_one(key: str, status: int) -> None:
    async with world(api_keys=("api",), admin_keys=("admin",)) as here:
        obeying(here)
        assert (await here.post("/pause", b"", f"authorization: Bearer {key}\r\n")).status == status
        assert all("authorization" not in visit.headers for visit in here.engine.others)


@on_loop
async def test_it_is_done_while_the_gateway_drains() -> None:
    async with world() as here:
        obeying(here)
        here.gateway.begin_drain()
        assert (await here.post("/resume")).status == 200


# What it means


@on_loop
async def test_a_lost_cache_is_lost_on_every_rank_of_its_engine_alone() -> None:
    async with world(engines=2, route_of=route_of, ranks=RANKS, **MODE) as here:
        obeying(here)
        before = epochs(here)
        await here.post("/reset_prefix_cache", b"", named(here.engines[0]))
        lost = {backend for backend, epoch in epochs(here).items() if epoch != before[backend]}
        assert lost == {here.engines[0].url + rank for rank in RANKS}


@on_loop
async def test_a_reset_that_failed_loses_nothing() -> None:
    async def fails_softly(visit: Visit) -> None:
        visit.respond(200, b'{"success": false}')

    async with world(**MODE) as here:
        here.engine.other = fails_softly
        before = epochs(here)
        assert (await here.post("/reset_prefix_cache")).status == 200
        assert epochs(here) == before


@on_loop
async def test_turns_wait_between_pause_and_resume_of_all() -> None:
    async with world(engines=2, **MODE) as here:
        obeying(here)
        assert (await here.post("/pause?mode=keep&clear_cache=false")).status == 200
        asking = asyncio.create_task(here.ask(program_id="p"))
        await until(lambda: here.runtime.scheduler.waiting_turns == 1)
        assert (await here.post("/resume")).status == 200
        assert (await asking).status == 200


@on_loop
async def test_the_turns_of_a_sleeping_engine_go_elsewhere() -> None:
    async with world(engines=2, **MODE) as here:
        obeying(here)
        asleep, awake = here.engines
        await here.post("/sleep?level=1", b"", named(asleep))
        for number in range(4):
            assert (await here.ask(program_id=f"p{number}")).headers["x-thunder-backend"] == awake.url
        await here.post("/wake_up", b"", named(asleep))
        assert asleep.url in {(await here.ask(program_id=f"q{number}")).headers["x-thunder-backend"] for number in range(8)}


@on_loop
async def test_memory_comes_back_part_by_part() -> None:
    async with world(**MODE) as here:
        obeying(here)
        await here.post("/release_memory_occupation", b"{}")
        asking = asyncio.create_task(here.ask())
        for tag in ("weights", "cuda_graph", "kv_cache"):
            assert here.runtime.scheduler.syncing
            await here.post("/resume_memory_occupation", json.dumps({"tags": [tag]}).encode())
        assert (await asking).status == 200


@on_loop
async def test_a_trainer_may_say_both_that_a_sync_runs_and_pause_the_engines() -> None:
    async with world(engines=2, **MODE) as here:
        obeying(here)
        await here.post("/weight_sync/begin")
        await here.post("/pause")
        await here.post("/resume")
        asking = asyncio.create_task(here.ask())
        await until(lambda: here.runtime.scheduler.waiting_turns == 1)
        await here.post("/weight_sync/end", b'{"kv_lost": true}')
        assert (await asking).status == 200


@on_loop
async def test_an_engine_that_restarts_is_not_paused_any_more() -> None:
    async with world(engines=2, **MODE) as here:
        obeying(here)
        await here.post("/pause")
        here.lose(here.engines[0])
        here.join(here.engines[0], 10_000)
        assert (await soon(here.ask())).headers["x-thunder-backend"] == here.engines[0].url
