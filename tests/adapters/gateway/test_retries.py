"""Retries wait for their time and their share; none is lost, none is too many."""

from __future__ import annotations

import asyncio

import pytest

from thunderagent.adapters.gateway.retries import Retries
from thunderagent.adapters.gateway.settings import GatewaySettings


class Fixture:
    """Ten requests are in flight, so that three retries may be; waits are noted and over at once."""

    def __init__(self) -> None:
        self.in_flight = 10
        self.waits: list[float] = []
        self.retries = Retries(GatewaySettings(), lambda: self.in_flight, sleep=self.sleep, draw=lambda: 0.5)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    def ask(self) -> asyncio.Task[bool]:
        return asyncio.create_task(self.retries.wait(503, 1, deadline_left_s=60.0))


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_retry_is_sent_after_its_wait() -> None:
    async def scenario() -> None:
        fixture = Fixture()
        assert await fixture.retries.wait(503, 2, deadline_left_s=60.0, retry_after_s=4.0)
        assert fixture.waits == [4.05]
        assert fixture.retries.running == 1

    asyncio.run(scenario())


def test_what_may_not_be_tried_again_is_told_at_once() -> None:
    async def scenario() -> None:
        fixture = Fixture()
        assert not await fixture.retries.wait(400, 1, deadline_left_s=60.0)
        assert not await fixture.retries.wait(503, 5, deadline_left_s=60.0)
        assert (fixture.waits, fixture.retries.running) == ([], 0)

    asyncio.run(scenario())


def test_never_more_retries_are_in_engines_than_the_budget_allows_and_all_get_their_turn_in_order() -> None:
    async def scenario() -> None:
        fixture = Fixture()
        asked = [fixture.ask() for _ in range(8)]
        sent = []
        while len(sent) < 8:
            await settle()
            assert fixture.retries.running <= 3
            sent = [n for n, task in enumerate(asked) if task.done()]
            assert sent == list(range(len(sent)))
            fixture.retries.over()
        while fixture.retries.running:
            fixture.retries.over()

    asyncio.run(scenario())


def test_with_more_in_flight_more_are_let_in() -> None:
    async def scenario() -> None:
        fixture = Fixture()
        asked = [fixture.ask() for _ in range(10)]
        await settle()
        assert sum(task.done() for task in asked) == 3
        fixture.in_flight = 40
        fixture.retries.over()
        await settle()
        assert (sum(task.done() for task in asked), fixture.retries.running) == (9, 8)
        asked[-1].cancel()
        await settle()

    asyncio.run(scenario())


@pytest.mark.parametrize("let_in_first", [False, True])
def test_a_request_that_is_given_up_while_it_waits_keeps_no_place(let_in_first: bool) -> None:
    async def scenario() -> None:
        fixture = Fixture()
        running = [fixture.ask() for _ in range(3)]
        await settle()
        leaves, stays = fixture.ask(), fixture.ask()
        await settle()
        if let_in_first:
            fixture.retries.over()
        leaves.cancel()
        if not let_in_first:
            fixture.retries.over()
        await settle()
        assert all(task.done() for task in running)
        assert leaves.cancelled()
        assert await stays
        assert fixture.retries.running == 3

    asyncio.run(scenario())
