"""Cases 4, 5 and 6: further tries, their budget and account; engines that fail always; breakers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable

import pytest

from tests.adapters.gateway.reliability import apis
from tests.adapters.gateway.reliability.behaviours import (
    answers,
    breaks_off,
    fails,
    one_after_the_other,
    resets,
    sometimes,
    talks_nonsense,
)
from tests.adapters.gateway.reliability.client import Answer
from tests.adapters.gateway.reliability.fake_engine import Behaviour, Visit
from tests.adapters.gateway.reliability.world import World, on_loop, soon, until, world
from thunderagent.adapters.gateway.retry import most_retries

FAULTS: list[Behaviour] = [fails(500), fails(502), fails(503), fails(429), fails(408), resets, talks_nonsense, breaks_off]


async def all_of(here: World, number: int, *, at_once: int, **options: object) -> list[Answer]:
    """So many requests, some at a time."""
    gate = asyncio.Semaphore(at_once)

    async def one() -> Answer:
        async with gate:
            return await here.ask(**options)

    answered: list[Awaitable[Answer]] = [one() for _ in range(number)]
    return list(await asyncio.gather(*answered))


@on_loop
async def test_every_turn_is_answered_and_accounted_once_while_three_tries_in_ten_fail() -> None:
    turns, agents = 8, 40
    async with world(
        sometimes(0.3, FAULTS, seed=4), engines=2, mode="thunder", capacity_tokens=4_000, attempts=30, breaker_failures=1_000
    ) as here:

        async def agent(name: str) -> None:
            client = await here.client()
            for turn in range(turns):
                answer = await client.ask(apis.PATHS[turn % len(apis.PATHS)], program_id=name)
                assert answer.status == 200
            here.runtime.release(name)

        await asyncio.gather(*(agent(f"agent-{number}") for number in range(agents)))
        assert here.gateway.counts.retries > 50
        accounted = Counter((step.program_id, step.step_id) for step in here.steps)
        assert len(accounted) == len(here.steps) == turns * agents
        assert {step.outcome for step in here.steps} == {"completed"}
        totals = here.runtime.totals
        assert (totals.steps, totals.failed_steps) == (turns * agents, 0)
        assert totals.completion_tokens == turns * agents * apis.COMPLETION_TOKENS
        assert sum(here.gateway.counts.answers.values()) == turns * agents
        assert here.runtime.scheduler.programs == {}


@on_loop
async def test_the_deadline_includes_all_tries() -> None:
    async with world(fails(503), attempts=1_000, timeout_s=0.4, breaker_failures=1_000_000) as here:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        answer = await soon(here.ask(program_id="p"))
        assert answer.status in (503, 504)
        assert loop.time() - began_s < 3.0
        assert len(here.engine.visits) > 1
        assert [step.outcome for step in here.steps] in (["failed"], ["cancelled"])


@on_loop
async def test_retries_at_once_are_a_fifth_of_what_is_in_flight() -> None:
    most = over = 0
    gate = asyncio.Event()

    async with world(engines=2, breaker_failures=1_000_000, attempts=4) as here:
        fleet, retries = here.gateway.fleet, here.gateway._relay._retries
        in_flight = 0

        async def waits_then_fails(visit: Visit) -> None:
            nonlocal most, over, in_flight
            in_flight = max(in_flight, fleet.in_flight)
            most = max(most, retries.running)
            over += retries.running > most_retries(in_flight, here.gateway.settings)
            await gate.wait()
            await fails(500)(visit)

        for engine in here.engines:
            engine.behaviour = waits_then_fails
        clients = [await here.client() for _ in range(100)]
        for client in clients:
            await client.send(apis.request())
        await until(lambda: fleet.in_flight == 100)
        gate.set()
        assert {(await soon(client.answer())).status for client in clients} == {503}
        assert 3 <= most <= 20
        assert over == 0
        assert sum(len(engine.visits) for engine in here.engines) == 400


@on_loop
async def test_what_an_engine_asks_for_is_waited_and_told() -> None:
    async with world(one_after_the_other(fails(503, "retry-after: 1\r\n"), answers)) as here:
        assert (await here.ask()).status == 200
        first, second = here.engine.visits
        assert second.came_s - first.came_s >= 1.0
    for status, reason in ((503, "backend_failed"), (429, "backend_busy")):
        async with world(fails(status, "retry-after: 7\r\n"), attempts=1, breaker_failures=1_000) as here:
            for path in apis.PATHS:
                answer = await here.ask(path)
                assert (answer.status, answer.retry_after_s) == (status, 7)
                assert path == apis.MESSAGES or answer.reason == reason


@pytest.mark.parametrize("status", [400, 401, 404, 422, 501])
@on_loop
async def test_an_answer_about_the_request_itself_is_passed_on_at_once(status: int) -> None:
    async with world(fails(status)) as here:
        for stream in (False, True):
            answer = await here.ask(stream=stream)
            assert (answer.status, answer.body) == (status, b'{"error":{"message":"no"}}')
        assert len(here.engine.visits) == 2


async def dead(visit: Visit) -> None:
    """Stands for an engine that has no listener any more."""


@pytest.mark.parametrize("fault", [fails(500), fails(503), resets, talks_nonsense, breaks_off, dead])
@pytest.mark.parametrize("mode", ["default", "thunder"])
@on_loop
async def test_one_of_two_engines_fails_always_and_a_thousand_of_a_thousand_succeed(mode: str, fault: Behaviour) -> None:
    async with world(engines=2, mode=mode, capacity_tokens=100_000) as here:
        here.engine.behaviour = fault
        if fault is dead:
            here.engine.die()
        answered = await all_of(here, 1_000, at_once=50)
        assert Counter(answer.status for answer in answered) == {200: 1_000}
        assert here.runtime.totals.steps == len(here.steps) == 1_000


@on_loop
async def test_when_all_engines_fail_each_request_is_told_in_json() -> None:
    async with world(fails(500), engines=2) as here:
        answered = await all_of(here, 100, at_once=20)
        assert {answer.status for answer in answered} == {503}
        assert {answer.reason for answer in answered} <= {"backend_failed", "no_backend"}
        assert all(answer.retry_after_s >= 1 and answer.json["error"]["message"] for answer in answered)


@on_loop
async def test_one_probe_and_no_more_asks_an_engine_whose_breaker_is_open() -> None:
    answered = asyncio.Event()
    async with world(fails(500), breaker_failures=3, breaker_open_s=0.05, attempts=1) as here:
        engine = here.engine
        probes = 0

        async def probed(visit: Visit) -> None:
            nonlocal probes
            probes += 1
            await answered.wait()
            visit.respond(200, b"")

        engine.health = probed
        assert [(await here.ask()).reason for _ in range(3)] == ["backend_failed"] * 3
        assert here.gateway.fleet.views()[0].breaker == "open"
        await until(lambda: probes)
        refused = await all_of(here, 200, at_once=50)
        assert {(answer.status, answer.reason) for answer in refused} == {(503, "no_backend")}
        assert all(answer.retry_after_s >= 1 for answer in refused)
        assert here.gateway.fleet.views()[0].breaker == "half_open"
        assert (probes, len(engine.visits)) == (1, 3)
        engine.behaviour = answers
        answered.set()
        await until(lambda: here.gateway.fleet.views()[0].breaker == "closed")
        assert (probes, (await here.ask()).status) == (1, 200)


@on_loop
async def test_an_open_breaker_is_a_matter_of_one_engine_only() -> None:
    async with world(engines=3, breaker_failures=2, breaker_open_s=60.0) as here:
        here.engine.behaviour = fails(500)
        await all_of(here, 60, at_once=6)
        assert [view.breaker for view in here.gateway.fleet.views()] == ["open", "closed", "closed"]
        tried = len(here.engine.visits)
        assert Counter(answer.status for answer in await all_of(here, 60, at_once=6)) == {200: 60}
        assert len(here.engine.visits) == tried
        assert min(len(engine.visits) for engine in here.engines[1:]) > 20
