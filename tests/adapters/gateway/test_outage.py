"""Breaker, retries and the real scheduler together, before engines that fail: nobody but the engines notices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.adapters.hand_clock import HandClock
from thunderagent.adapters.gateway.breaker import BreakerState
from thunderagent.adapters.gateway.fleet import BackendView, Fleet, verdict
from thunderagent.adapters.gateway.retries import Retries
from thunderagent.adapters.gateway.retry import goes_elsewhere
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.core import DefaultPolicy, Policy, ThunderPolicy, Usage
from thunderagent.errors import TurnRefused
from thunderagent.runtime import Runtime, Turn


class Outage:
    """Two engines and a relay of a few lines. ``answer(backend)`` gives the status of its next answer, a second later."""

    def __init__(self, policy: Policy, answer: Callable[[str], int]) -> None:
        self.settings = GatewaySettings()
        self.clock = HandClock()
        self.runtime = Runtime(policy, clock=self.clock)
        self.fleet = Fleet(self.settings, self.runtime, self.probe, clock=self.clock, sleep=self.clock.sleep)
        self.retries = Retries(self.settings, lambda: self.fleet.in_flight, sleep=self.clock.sleep, draw=lambda: 0.5)
        self.answer = answer
        self.views: list[BackendView] = []
        for backend_id in ("a", "b"):
            self.fleet.joined(backend_id)
            self.runtime.add_backend(backend_id, 1_000_000)

    async def probe(self, backend_id: str, *, generation: bool) -> bool:
        return self.answer(backend_id) == 200

    async def request(self, program_id: str) -> int:
        try:
            async with self.runtime.turn(program_id, prompt_tokens=100) as turn:
                return await self.answered(turn)
        except TurnRefused:
            return 503

    async def answered(self, turn: Turn) -> int:
        attempt = 1
        status = await self.attempt(turn, retry=False)
        while status != 200:
            turn.failed(elsewhere=goes_elsewhere(attempt))
            if not await self.retries.wait(status, attempt, deadline_left_s=600.0):
                return status
            attempt += 1
            try:
                await turn.again()
                status = await self.attempt(turn, retry=True)
            finally:
                self.retries.over()
        turn.finish(Usage(100, 1))
        return status

    async def attempt(self, turn: Turn, *, retry: bool) -> int:
        epoch = self.fleet.took(turn.backend, retry=retry)
        await self.clock.sleep(1.0)
        status = self.answer(turn.backend)
        self.fleet.ended(turn.backend, verdict(status), epoch)
        return status

    async def all_of(self, requests: int, at_once: int) -> list[int]:
        statuses: list[int] = []

        async def client(name: int) -> None:
            for n in range(name, requests, at_once):
                statuses.append(await self.request(f"program {n}"))

        clients = asyncio.gather(*map(client, range(at_once)))
        while not clients.done():
            await self.clock.advance(0.5)
        await clients
        self.views = self.fleet.views()
        self.fleet.close()
        assert (self.fleet.in_flight, self.retries.running) == (0, 0)
        return statuses


def only_b_works(backend_id: str) -> int:
    return {"a": 500, "b": 200}[backend_id]


@pytest.mark.parametrize("at_once", [1, 64])
@pytest.mark.parametrize("policy", [DefaultPolicy, ThunderPolicy])
def test_with_one_of_two_engines_failing_always_every_request_succeeds(policy: type[Policy], at_once: int) -> None:
    async def scenario() -> None:
        outage = Outage(policy(), only_b_works)
        assert await outage.all_of(1_000, at_once) == [200] * 1_000

    asyncio.run(scenario())


def test_with_all_engines_failing_requests_fail_with_503_once_the_breakers_are_open() -> None:
    async def scenario() -> None:
        outage = Outage(ThunderPolicy(), lambda backend_id: 500)
        statuses = await outage.all_of(100, 10)
        assert set(statuses) <= {500, 503}
        assert statuses[-50:] == [503] * 50

    asyncio.run(scenario())


def test_an_engine_that_works_again_has_turns_again_without_a_failed_request() -> None:
    async def scenario() -> None:
        outage = Outage(ThunderPolicy(), lambda backend_id: 500 if backend_id == "a" and outage.clock.now_s < 1_020.0 else 200)
        assert await outage.all_of(400, 10) == [200] * 400
        a, b = outage.views
        assert a.breaker is BreakerState.CLOSED
        assert a.opened == 1
        assert a.requests - a.failures > 20
        assert b.failures == 0

    asyncio.run(scenario())
