"""Case 9: a scheduler that fails halts nothing: requests pass through, and whoever looks is told."""

from __future__ import annotations

import asyncio
import logging

import pytest

from tests.adapters.gateway.reliability import apis
from tests.adapters.gateway.reliability.behaviours import answers, once_open, stalls
from tests.adapters.gateway.reliability.world import on_loop, soon, until, world
from thunderagent.core import CapPolicy
from thunderagent.core.ledger import Backend
from thunderagent.core.program import Program


class FailingPolicy(CapPolicy):
    """Schedules until it is told to fail."""

    fails = False

    def fits(self, program: Program, backend: Backend, now: float) -> bool:
        if self.fails:
            raise ZeroDivisionError("a mistake in the policy")
        return super().fits(program, backend, now)


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "json"])
def test_a_policy_that_fails_degrades_to_pass_through_loudly(stream: bool, caplog: pytest.LogCaptureFixture) -> None:
    degrades(stream)
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(told) == 1
    assert "pass through unscheduled" in told[0]


@on_loop
async def degrades(stream: bool) -> None:
    policy = FailingPolicy(1)
    gate = asyncio.Event()
    async with world(once_open(gate), engines=2, policy=policy) as here:
        assert (await here.get("/ready")).json == {"ready": True, "problems": []}
        parked = [await here.client() for _ in range(10)]
        for number, client in enumerate(parked):
            await client.send(apis.request(program_id=f"p{number}", stream=stream))
        await until(lambda: here.runtime.scheduler.waiting_turns == 8)
        policy.fails = True
        newcomer = await here.client()
        await newcomer.send(apis.request(stream=stream))

        # Nobody waits any more, and all get their answers.
        await until(lambda: sum(engine.open for engine in here.engines) == 11)
        gate.set()
        for client in (*parked, newcomer):
            answer = await soon(client.answer())
            assert (answer.status, answer.whole) == (200, True)
        assert here.runtime.degraded
        ready = await here.get("/ready")
        assert (ready.status, ready.json["problems"]) == (503, ["scheduling_degraded"])
        assert (await here.get("/health")).status == 200

        # And so it goes on: all endpoints, engines that die and come, clients that leave.
        for path in apis.PATHS:
            assert (await here.ask(path, stream=stream, program_id="p0")).status == 200
        here.lose(here.engines[0])
        here.engines[0].die()
        for path in apis.PATHS:
            assert (await here.ask(path, stream=stream)).status == 200
        here.engines[1].behaviour = stalls
        client = await here.client()
        await client.send(apis.request(stream=stream))
        await until(lambda: here.engines[1].open == 1)
        client.vanish()
        await until(lambda: here.engines[1].open == 0 and here.gateway.counts.open_requests == 0)
        here.engines[1].behaviour = answers
        here.lose(here.engines[1])
        refused = await soon(here.ask())
        assert (refused.status, refused.reason) == (503, "no_backend")


@on_loop
async def test_a_request_that_the_gateway_itself_fails_at_is_told_and_leaves_nothing() -> None:
    async with world() as here:
        before = here.tables()

        def broken(*_: object, **__: object) -> None:
            raise RuntimeError("a mistake in the gateway")

        whole, here.gateway._relay._pass_on = here.gateway._relay._pass_on, broken  # type: ignore[method-assign,assignment]
        client = await here.client()
        for path in apis.PATHS:
            answer = await soon(client.ask(path))
            assert answer.status == 500
            assert path == apis.MESSAGES or answer.reason == "internal_error"
        here.gateway._relay._pass_on = whole  # type: ignore[method-assign]
        assert (await client.ask()).status == 200
        await here.until_tables_are(before | {"busy": {here.engine.url: 0}})
