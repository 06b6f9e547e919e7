"""Requests that the engine itself refuses."""

from __future__ import annotations

import pytest

from tests.adapters.gateway.reliability.behaviours import answers, fails, one_after_the_other, resets
from tests.adapters.gateway.reliability.fake_engine import Behaviour
from tests.adapters.gateway.reliability.world import on_loop, until, world


@pytest.mark.parametrize("status", [400, 404, 422, 501])
def test_the_engines_own_answer_reaches_the_client_at_once(status: int) -> None:
    @on_loop
    async def scenario() -> None:
        async with world(fails(status)) as here:
            answer = await here.ask(program_id="p")
            assert (answer.status, answer.json) == (status, {"error": {"message": "no"}})
            assert len(here.engine.visits) == 1

    scenario()


@pytest.mark.parametrize(("behaviour", "status"), [(fails(400), 400), (resets, 503)], ids=["refused", "reset"])
@on_loop
async def test_a_program_that_never_had_an_answer_holds_no_kv_cache(behaviour: Behaviour, status: int) -> None:
    async with world(behaviour, mode="thunder", capacity_tokens=10_000, attempts=1, breaker_failures=100) as here:
        for number in range(20):
            assert (await here.ask(program_id=f"p{number}")).status == status
        await until(lambda: here.gateway.counts.open_requests == 0)
        assert here.runtime.scheduler.programs == {}
        assert here.runtime.snapshot()["committed_tokens"] == 0


@on_loop
async def test_a_program_that_had_one_keeps_its_place_when_a_later_turn_is_refused() -> None:
    async with world(one_after_the_other(answers, fails(400))) as here:
        assert (await here.ask(program_id="p")).status == 200
        assert (await here.ask(program_id="p")).status == 400
        assert list(here.runtime.scheduler.programs) == ["p"]
