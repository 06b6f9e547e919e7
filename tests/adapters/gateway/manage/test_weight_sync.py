"""A trainer begins and ends weight syncs; saying it twice changes nothing."""

from __future__ import annotations

import asyncio

import pytest

from .support import Gateway, run


def test_turns_wait_from_begin_to_end_and_both_may_be_said_twice() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        for _ in range(2):
            answer = await gateway.post("/weight_sync/begin")
            assert (answer.status, answer.json) == (200, {"status": "ok", "weight_sync_active": True})
        turn = asyncio.create_task(gateway.turn("p"))
        await asyncio.sleep(0)
        assert gateway.runtime.scheduler.waiting_turns == 1
        for _ in range(2):
            answer = await gateway.post("/weight_sync/end")
            assert (answer.status, answer.json) == (200, {"status": "ok", "weight_sync_active": False})
        assert await turn

    run(scenario)


@pytest.mark.parametrize(
    ("target", "content", "lost"),
    [
        ("/weight_sync/end", None, False),
        ("/weight_sync/end", {}, False),
        ("/weight_sync/end", {"kv_lost": False}, False),
        ("/weight_sync/end", {"kv_lost": True}, True),
        ("/weight_sync/end?kv_lost=true", None, True),
        ("/weight_sync/end?kv_lost=false", {"kv_lost": True}, False),
    ],
)
def test_the_end_says_whether_caches_are_lost(target: str, content: dict[str, bool] | None, lost: bool) -> None:
    async def scenario() -> None:
        gateway = Gateway()
        await gateway.turn("p")
        program = gateway.runtime.scheduler.programs["p"]
        await gateway.post("/weight_sync/begin")
        assert (await gateway.post(target, content)).status == 200
        assert program.backend is not None
        assert (program.epoch != program.backend.epoch) is lost

    run(scenario)


def test_an_end_that_makes_no_sense_ends_nothing() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        await gateway.post("/weight_sync/begin")
        assert (await gateway.post("/weight_sync/end", {"kv_lost": "yes"})).status == 400
        assert (await gateway.post("/weight_sync/end?kv_lost=1")).status == 400
        assert gateway.runtime.scheduler.syncing

    run(scenario)
