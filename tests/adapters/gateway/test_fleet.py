"""The fleet takes failing backends out of rotation and lets them in again; time is simulated, the scheduler is the real one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.adapters.hand_clock import HandClock, settle
from thunderagent.adapters.gateway.breaker import BreakerState
from thunderagent.adapters.gateway.fleet import BackendView, Fleet, verdict
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.core import CapPolicy, DefaultPolicy, Policy, ThunderPolicy, TrPolicy, Usage
from thunderagent.errors import TurnRefused
from thunderagent.runtime import Runtime


class Fixture:
    """Backends ``a`` and ``b`` under a real runtime; what the scheduler is told of their health is noted as well."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.clock = HandClock()
        self.runtime = Runtime(policy or ThunderPolicy(), clock=self.clock)
        self.told: list[tuple[str, bool]] = []
        self.alive = False
        self.probes: list[tuple[float, str, bool]] = []
        settings = GatewaySettings(breaker_failures=3, breaker_open_s=5.0)
        self.fleet = Fleet(settings, self, self.probe, clock=self.clock, sleep=self.clock.sleep)
        for backend_id in ("a", "b"):
            self.join(backend_id)

    def join(self, backend_id: str) -> None:
        self.fleet.joined(backend_id)
        self.runtime.add_backend(backend_id, 10_000)

    def leave(self, backend_id: str) -> None:
        self.fleet.left(backend_id)
        self.runtime.remove_backend(backend_id)

    def set_health(self, backend_id: str, *, healthy: bool) -> None:
        self.told.append((backend_id, healthy))
        self.runtime.set_health(backend_id, healthy=healthy)

    async def probe(self, backend_id: str, *, generation: bool) -> bool:
        self.probes.append((self.clock.now_s - 1_000.0, backend_id, generation))
        return self.alive

    def request(self, backend_id: str, ok: bool | None, *, answered: bool = True) -> None:
        self.fleet.ended(backend_id, ok, self.fleet.took(backend_id), answered=answered)

    def fail(self, backend_id: str, *, answered: bool = True) -> None:
        for _ in range(3):
            self.request(backend_id, False, answered=answered)

    def view(self, backend_id: str) -> BackendView:
        view = self.fleet.view(backend_id)
        assert view is not None
        return view

    async def turn(self, program_id: str) -> str:
        async with self.runtime.turn(program_id, prompt_tokens=100) as turn:
            turn.finish(Usage(100, 1))
            return turn.backend


def run(scenario: Callable[[Fixture], Awaitable[None]], policy: Policy | None = None) -> None:
    async def whole() -> None:
        fixture = Fixture(policy)
        try:
            await scenario(fixture)
        finally:
            fixture.fleet.close()

    asyncio.run(whole())


@pytest.mark.parametrize("policy", [DefaultPolicy, CapPolicy, TrPolicy, ThunderPolicy])
def test_programs_of_a_backend_whose_breaker_opens_go_on_elsewhere_with_their_next_try(policy: type[Policy]) -> None:
    async def scenario(fixture: Fixture) -> None:
        home = await fixture.turn("p")
        other = {"a": "b", "b": "a"}[home]
        assert await fixture.turn("p") == home
        fixture.fail(home)
        assert await fixture.turn("p") == other
        assert {await fixture.turn(f"new {n}") for n in range(5)} == {other}

    run(scenario, policy())


def test_with_every_breaker_open_turns_are_refused_with_advice_and_run_again_after_a_probe() -> None:
    async def scenario(fixture: Fixture) -> None:
        fixture.fail("a")
        fixture.fail("b")
        with pytest.raises(TurnRefused, match="no backend is up") as refused:
            await fixture.turn("p")
        assert refused.value.retry_after_s is not None
        fixture.alive = True
        await fixture.clock.advance(5.0)
        assert await fixture.turn("p") in ("a", "b")
        assert sorted(fixture.told) == [("a", False), ("a", True), ("b", False), ("b", True)]

    run(scenario)


def test_an_open_breaker_is_probed_when_it_is_due_after_twice_the_time_if_that_fails_and_no_more_once_it_is_closed() -> None:
    async def scenario(fixture: Fixture) -> None:
        fixture.fail("a")
        assert fixture.view("a").breaker is BreakerState.OPEN
        await fixture.clock.advance(4.0)
        assert fixture.view("a").probe_in_s == 1.0
        await fixture.clock.advance(30.0)
        assert fixture.probes == [(5.0, "a", True), (15.0, "a", True)]
        fixture.alive = True
        await fixture.clock.advance(1_000.0)
        assert [at_s for at_s, _, _ in fixture.probes] == [5.0, 15.0, 35.0]
        assert fixture.told == [("a", False), ("a", True)]
        assert (fixture.view("a").breaker, fixture.view("a").probe_in_s) == (BreakerState.CLOSED, None)

    run(scenario)


def test_a_backend_that_was_only_out_of_reach_need_not_generate_to_be_let_in_again() -> None:
    async def scenario(fixture: Fixture) -> None:
        fixture.fail("a", answered=False)
        await fixture.clock.advance(5.0)
        assert fixture.probes == [(5.0, "a", False)]

    run(scenario)


def test_a_probe_that_raises_has_failed() -> None:
    async def scenario(fixture: Fixture) -> None:
        async def broken(backend_id: str, *, generation: bool) -> bool:
            fixture.probes.append((fixture.clock.now_s, backend_id, generation))
            raise ConnectionRefusedError

        fixture.fleet._probe = broken
        fixture.fail("a")
        await fixture.clock.advance(20.0)
        assert len(fixture.probes) == 2
        assert fixture.view("a").breaker is BreakerState.OPEN

    run(scenario)


def test_while_the_probe_is_on_its_way_there_is_no_other_and_late_answers_decide_nothing() -> None:
    async def scenario(fixture: Fixture) -> None:
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        async def slow(backend_id: str, *, generation: bool) -> bool:
            fixture.probes.append((fixture.clock.now_s, backend_id, generation))
            return await answer

        fixture.fleet._probe = slow
        late = [fixture.fleet.took("a") for _ in range(6)]
        for epoch in late[:3]:
            fixture.fleet.ended("a", False, epoch)
        await fixture.clock.advance(100.0)
        assert fixture.view("a").breaker is BreakerState.HALF_OPEN
        fixture.fleet.ended("a", True, late[3])
        fixture.fleet.ended("a", False, late[4])
        assert (len(fixture.probes), fixture.told) == (1, [("a", False)])
        answer.set_result(True)
        await settle()
        assert fixture.told == [("a", False), ("a", True)]
        fixture.fleet.ended("a", False, late[5])
        assert fixture.view("a").failures_in_a_row == 0

    run(scenario)


def test_one_backends_failures_are_not_anothers() -> None:
    async def scenario(fixture: Fixture) -> None:
        fixture.request("a", False)
        fixture.request("a", False)
        fixture.request("b", False)
        assert fixture.told == []
        fixture.fail("a")
        assert fixture.view("b").breaker is BreakerState.CLOSED
        fixture.request("b", True)
        assert (fixture.view("a").failures_in_a_row, fixture.view("b").failures_in_a_row) == (3, 0)

    run(scenario)


def test_a_client_that_left_says_nothing_of_the_engine() -> None:
    async def scenario(fixture: Fixture) -> None:
        fixture.request("a", False)
        fixture.request("a", False)
        fixture.request("a", None)
        assert (fixture.view("a").failures_in_a_row, fixture.view("a").failures) == (2, 2)

    run(scenario)


def test_a_backend_that_joins_again_has_a_fresh_breaker_and_nothing_of_its_earlier_self_counts() -> None:
    async def scenario(fixture: Fixture) -> None:
        late = [fixture.fleet.took("a") for _ in range(3)]
        fixture.fail("a")
        fixture.leave("a")
        unknown = fixture.fleet.took("a")
        fixture.join("a")
        for epoch in (*late, unknown):
            fixture.fleet.ended("a", False, epoch)
        view = fixture.view("a")
        assert (view.breaker, view.in_flight, view.failures, view.requests) == (BreakerState.CLOSED, 0, 0, 0)
        assert fixture.fleet.in_flight == 0
        await fixture.clock.advance(100.0)
        assert fixture.probes == [], "nobody probes for the one that left"
        fixture.fleet.joined("a")
        fixture.request("a", True)
        assert fixture.view("a").requests == 1, "joining twice changes nothing"

    run(scenario)


def test_a_draining_backend_gets_no_new_turns_and_is_idle_when_its_last_request_is_over() -> None:
    async def scenario(fixture: Fixture) -> None:
        epoch = fixture.fleet.took("a")
        fixture.fleet.drain("a")
        fixture.fleet.drain("a")
        assert fixture.told == [("a", False)]
        assert await fixture.turn("p") == "b"
        idle = asyncio.create_task(fixture.fleet.until_idle("a"))
        await settle()
        assert not idle.done()
        fixture.fleet.ended("a", True, epoch)
        await idle
        fixture.fleet.undrain("a")
        fixture.fleet.undrain("a")
        assert fixture.told == [("a", False), ("a", True)]
        fixture.fleet.drain("b")
        await fixture.fleet.until_idle("b")

    run(scenario)


def test_whoever_waits_for_a_drain_goes_on_when_the_backend_dies() -> None:
    async def scenario(fixture: Fixture) -> None:
        fixture.fleet.took("a")
        fixture.fleet.drain("a")
        idle = asyncio.create_task(fixture.fleet.until_idle("a"))
        await settle()
        fixture.leave("a")
        await idle
        await fixture.fleet.until_idle("a")
        fixture.fleet.drain("a")
        fixture.fleet.undrain("a")
        assert fixture.fleet.view("a") is None

    run(scenario)


def test_it_is_healthy_only_if_both_breaker_and_drain_say_so() -> None:
    async def scenario(fixture: Fixture) -> None:
        fixture.alive = True
        fixture.fail("a")
        fixture.fleet.drain("a")
        await fixture.clock.advance(5.0)
        assert fixture.view("a").breaker is BreakerState.CLOSED
        assert fixture.told == [("a", False)]
        fixture.fail("a")
        fixture.fleet.undrain("a")
        assert fixture.told == [("a", False)]
        await fixture.clock.advance(5.0)
        assert fixture.told == [("a", False), ("a", True)]

    run(scenario)


def test_every_backend_is_counted() -> None:
    async def scenario(fixture: Fixture) -> None:
        fixture.fleet.took("b", retry=True)
        fixture.fail("a")
        a, b = fixture.fleet.views()
        assert (a.id, a.requests, a.failures, a.retries, a.opened, a.in_flight) == ("a", 3, 3, 0, 1, 0)
        assert (b.id, b.requests, b.failures, b.retries, b.opened, b.in_flight) == ("b", 1, 0, 1, 0, 1)
        assert fixture.fleet.in_flight == 1

    run(scenario)


@pytest.mark.parametrize(("status", "ok"), [(None, False), (500, False), (503, False), (200, True), (404, True), (429, None)])
def test_a_refusal_says_that_an_engine_lives_and_too_many_requests_say_nothing(status: int | None, ok: bool | None) -> None:
    assert verdict(status) is ok
