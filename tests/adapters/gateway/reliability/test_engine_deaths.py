"""Cases 7 and 15: engines die, are gone, come back, and tell nonsense; the real watch looks after them."""

from __future__ import annotations

import asyncio

import pytest

from tests.adapters.gateway.reliability import apis
from tests.adapters.gateway.reliability.behaviours import answers, falls_silent, stalls
from tests.adapters.gateway.reliability.fake_engine import FakeEngine, Visit
from tests.adapters.gateway.reliability.watched import POLL_S, page, watched_world
from tests.adapters.gateway.reliability.world import World, on_loop, soon, until

CAPACITY = 16_000


def up(here: World) -> list[str]:
    return here.runtime.backends


async def at(here: World, program_id: str) -> FakeEngine:
    """Where a turn of this program runs."""
    programs = here.runtime.scheduler.programs
    await until(lambda: program_id in programs and programs[program_id].running)
    backend = programs[program_id].backend
    assert backend is not None
    engine = next(engine for engine in here.engines if engine.url == backend.id)
    await until(lambda: engine.open)
    return engine


@on_loop
async def test_an_answer_that_has_not_begun_comes_from_another_engine_when_its_own_dies() -> None:
    async with watched_world(stalls, engines=2) as here:
        for path in apis.PATHS:
            for engine in here.engines:
                engine.behaviour = stalls
            client = await here.client()
            await client.send(apis.request(path, program_id=path), path)
            mortal = await at(here, path)
            for engine in here.engines:
                engine.behaviour = answers
            mortal.die()
            assert (await soon(client.answer())).body == apis.answer(path)
            await until(lambda mortal=mortal: mortal.url not in up(here))
            await mortal.start()
            await until(lambda mortal=mortal: mortal.url in up(here))
        assert [step.outcome for step in here.steps] == ["completed"] * len(apis.PATHS)


@on_loop
async def test_a_stream_that_has_begun_ends_with_an_error_when_its_engine_dies() -> None:
    async with watched_world(falls_silent, engines=2) as here:
        client = await here.client()
        await client.send(apis.request(stream=True, program_id="p"))
        await client.head()
        assert b"hi" in await client.piece()
        (await at(here, "p")).die()
        assert b'"code":"backend_failed"' in await soon(client.piece())
        assert await soon(client.ended())
        for engine in here.engines:
            engine.behaviour = answers
        assert (await here.ask(program_id="p")).status == 200
        assert [step.outcome for step in here.steps][1:] == ["completed"]


@on_loop
async def test_turns_of_an_engine_that_hangs_go_elsewhere_when_it_is_given_up() -> None:
    """It still accepts connections and answers nothing: what was sent to it must not be sent to it again."""
    async with watched_world(answers, engines=2) as here:
        await here.ask(program_id="warm")  # its connections have been used
        await here.ask(program_id="up")
        for engine in here.engines:
            engine.behaviour = stalls
        client = await here.client()
        await client.send(apis.request(program_id="warm"))
        hanging = await at(here, "warm")
        for engine in here.engines:
            engine.behaviour = answers if engine is not hanging else stalls
        visits = len(hanging.visits)
        here.gateway.left(hanging.url)
        here.runtime.remove_backend(hanging.url)
        assert (await soon(client.answer())).status == 200
        assert len(hanging.visits) == visits
        await until(lambda: hanging.open == 0)


@on_loop
async def test_without_any_engine_requests_are_told_when_to_come_back() -> None:
    async with watched_world(engines=2, up=False) as here:
        ready = await here.get("/ready")
        assert (ready.status, ready.json["problems"]) == (503, ["no_backend_up"])
        for path in (*apis.PATHS, "/v1/embeddings"):
            answer = await soon(here.ask(path)) if path in apis.PATHS else await here.get(path)
            assert answer.status == 503
            assert answer.retry_after_s >= 1
        await here.engines[0].start()
        await until(lambda: up(here) == [here.engines[0].url])
        assert (await here.ask(program_id="p")).status == 200
        assert (await here.get("/ready")).status == 200
        await here.engines[1].start()
        await until(lambda: len(up(here)) == 2)


@on_loop
async def test_when_all_engines_die_nobody_hangs_and_when_they_are_back_programs_go_on() -> None:
    async with watched_world(engines=2, attempts=3) as here:
        programs = [f"p{number}" for number in range(20)]
        for program_id in programs:
            assert (await here.ask(program_id=program_id)).status == 200
        for engine in here.engines:
            engine.behaviour = stalls
        clients = [await here.client() for _ in programs]
        for client, program_id in zip(clients, programs, strict=True):
            await client.send(apis.request(program_id=program_id))
        await until(lambda: sum(engine.open for engine in here.engines) == len(programs))
        for engine in here.engines:
            engine.die()
        told = [await soon(client.answer()) for client in clients]
        assert {answer.status for answer in told} == {503}
        assert {answer.reason for answer in told} <= {"no_backend", "backend_failed"}
        assert all(answer.retry_after_s >= 1 for answer in told)
        await until(lambda: up(here) == [])
        here.runtime.scheduler.check_invariants()

        for engine in here.engines:
            engine.behaviour = answers
            await engine.start()
        loop = asyncio.get_running_loop()
        back_s = loop.time()
        await until(lambda: len(up(here)) == 2)
        assert loop.time() - back_s < 2 * POLL_S + 2.0  # two looks, on a machine that is busy with other things
        assert [(await soon(here.ask(program_id=program_id))).status for program_id in programs] == [200] * len(programs)
        assert here.runtime.totals.steps == 2 * len(programs)


def capacity(here: World) -> int | None:
    return here.runtime.scheduler.ledger.backends[here.engine.url].capacity_tokens


@pytest.mark.parametrize(
    "nonsense",
    [
        *(b"", b"\n", b"<html>oops</html>\n", b"\x00\xff\xfe\n", b"vllm:cache_config_info{", page("NaN"), page("None")),
        *(page(-7), page("1e9"), page(10**30), page(1), b"sglang:max_total_num_tokens{} NaN\n"),
        *(b"sglang:max_total_num_tokens{} +Inf\n", b"x" * (1 << 20)),
    ],
    ids=lambda page: repr(page[:30]),
)
@on_loop
async def test_metrics_that_tell_nonsense_change_no_capacity_and_lose_no_engine(nonsense: bytes) -> None:
    """New turns go there as long as it may be a passing mistake, and again once it is over."""
    async with watched_world() as here:
        assert capacity(here) == CAPACITY
        looks = len(here.engine.others)
        good, here.engine.metrics = here.engine.metrics, nonsense
        await until(lambda: len(here.engine.others) >= looks + 6)
        assert capacity(here) == CAPACITY
        here.engine.metrics = good
        await until(lambda: here.runtime.scheduler.ledger.any_usable)
        assert (await here.ask(program_id="p")).status == 200
        assert (await here.get("/ready")).status == 200


@on_loop
async def test_an_engine_that_goes_on_telling_nonsense_finishes_what_runs_and_gets_no_new_turns() -> None:
    async with watched_world() as here:
        go_on = asyncio.Event()

        async def late(visit: Visit) -> None:
            await go_on.wait()
            await answers(visit)

        here.engine.behaviour = late
        running = asyncio.create_task(here.ask(program_id="p"))
        await until(lambda: here.gateway.fleet.in_flight == 1)
        here.engine.metrics = b"<html>oops</html>"
        await until(lambda: not here.runtime.scheduler.ledger.any_usable)
        refused = await here.ask(program_id="q")
        assert (refused.status, refused.reason) == (503, "no_backend")
        go_on.set()
        assert (await soon(running)).status == 200


@on_loop
async def test_metrics_are_believed_again_when_they_make_sense_and_a_smaller_cache_counts_at_once() -> None:
    async with watched_world() as here:
        for metrics, tokens in ((page(501), 8_000), (page("None"), 8_000), (page(2_001), 32_000), (page("NaN"), 32_000)):
            here.engine.metrics = metrics
            await until(lambda tokens=tokens: capacity(here) == tokens)
            assert (await here.ask()).status == 200


@on_loop
async def test_an_engine_whose_metrics_are_missing_is_not_used_until_they_are_there() -> None:
    async def no_page(visit: Visit) -> None:
        visit.respond(404, b"")

    async with watched_world(up=False) as here:
        here.engine.page = no_page
        await here.engine.start()
        await until(lambda: len(here.engine.others) > 20)
        assert up(here) == []
        here.engine.page = None
        await until(lambda: up(here))
        assert capacity(here) == CAPACITY
        assert (await here.ask(program_id="p")).status == 200


@on_loop
async def test_an_engine_whose_metrics_do_not_answer_serves_what_runs() -> None:
    """A look takes seconds to time out; meanwhile nothing else waits for it."""
    async with watched_world() as here:
        looks = len(here.engine.others)
        here.engine.metrics = None
        await until(lambda: len(here.engine.others) > looks)
        for path in apis.PATHS:
            assert (await soon(here.ask(path, program_id="p"))).status == 200


@on_loop
async def test_an_engine_that_restarts_smaller_gets_no_more_than_it_can_hold() -> None:
    async with watched_world() as here:
        assert (await here.ask(program_id="p")).status == 200
        here.engine.die()
        await until(lambda: up(here) == [])
        here.engine.metrics = page(3)  # 32 tokens
        await here.engine.start()
        await until(lambda: up(here))
        assert capacity(here) == 32
        client = await here.client()
        await client.send(apis.request(apis.TOKENS, program_id="p", token_ids=[1] * 100), apis.TOKENS)
        answer = await soon(client.answer())
        assert (answer.status, answer.reason) == (400, "context_length_exceeded")
