"""Case 10: ten times more than there is room for."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections import Counter

import pytest

from tests.adapters.gateway.reliability import apis
from tests.adapters.gateway.reliability.behaviours import once_open, stalls
from tests.adapters.gateway.reliability.world import on_loop, soon, until, world

SLOTS, QUEUE = 8, 24
OFFERED = 10 * (SLOTS + QUEUE)


@pytest.mark.parametrize("path", [apis.CHAT, apis.MESSAGES])
@on_loop
async def test_ten_times_the_load_is_split_exactly_and_each_is_told_why(path: str) -> None:
    gate = asyncio.Event()
    async with world(once_open(gate), mode="cap", config={"programs_per_engine": SLOTS}, max_queue=QUEUE, max_wait_s=0.5) as here:
        clients = [await here.client() for _ in range(OFFERED)]
        for client in clients:
            await client.send(apis.request(path), path)
        answering = [asyncio.ensure_future(client.answer()) for client in clients]
        await until(lambda: sum(answer.done() for answer in answering) == OFFERED - SLOTS)
        gate.set()
        told = [await soon(answer) for answer in answering]
        assert Counter(answer.status for answer in told) == {200: SLOTS, 503: QUEUE, 429: OFFERED - SLOTS - QUEUE}
        refused = [answer for answer in told if answer.status != 200]
        assert all(answer.retry_after_s >= 1 and answer.json["error"]["message"] for answer in refused)
        if path == apis.CHAT:
            assert {(answer.status, answer.reason) for answer in refused} == {(429, "queue_full"), (503, "wait_timeout")}
        else:
            kinds = {(answer.status, answer.json["error"]["type"]) for answer in refused}
            assert kinds == {(429, "rate_limit_error"), (503, "overloaded_error")}
        assert here.gateway.counts.problems == {"queue_full": OFFERED - SLOTS - QUEUE, "wait_timeout": QUEUE}
        assert len(here.engine.visits) == SLOTS
        assert here.runtime.scheduler.programs == {}


@on_loop
async def test_a_waiter_gets_its_turn_when_somebody_ends_even_under_overload() -> None:
    gate = asyncio.Event()
    async with world(once_open(gate), mode="cap", config={"programs_per_engine": SLOTS}, max_queue=QUEUE) as here:
        clients = [await here.client() for _ in range(OFFERED)]
        for client in clients:
            await client.send(apis.request())
        await until(lambda: here.runtime.scheduler.waiting_turns == QUEUE and here.engine.open == SLOTS)
        gate.set()
        told = [await soon(client.answer()) for client in clients]
        assert Counter(answer.status for answer in told) == {200: SLOTS + QUEUE, 429: OFFERED - SLOTS - QUEUE}


@on_loop
async def test_memory_stays_bounded_by_what_may_run_and_wait() -> None:
    body = apis.request(x="x" * 200_000)
    async with world(stalls, mode="cap", config={"programs_per_engine": SLOTS}, max_queue=QUEUE) as here:

        async def offer(number: int) -> None:
            for _ in range(number):
                client = await here.client()
                here.kept.append(client)
                await client.send(body)
            counts = here.gateway.counts
            await until(lambda: counts.open_requests + counts.problems["queue_full"] == len(here.kept))

        await offer(SLOTS + QUEUE)
        for engine in here.engines:
            engine.visits.clear()
        gc.collect()
        tracemalloc.start()
        try:
            await offer(300)  # 60 MB
            gc.collect()
            grown, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert here.gateway.counts.open_requests == SLOTS + QUEUE
        assert grown < 12 << 20, grown  # all 300 connections are open still
        assert peak < 24 << 20, peak


@on_loop
async def test_request_bodies_that_wait_are_held_up_to_a_bound_and_one_more_is_told_to_come_back() -> None:
    body = apis.request(apis.CHAT)
    gate = asyncio.Event()
    async with world(once_open(gate), mode="cap", config={"programs_per_engine": 1}, max_held_bytes=3 * len(body)) as here:
        held = [await here.client() for _ in range(3)]
        for client in held:
            await client.send(body)
        await until(lambda: here.gateway.counts.open_requests == 3)
        refused = await here.ask()
        assert (refused.status, refused.reason, refused.retry_after_s) == (429, "queue_full", 1)
        gate.set()
        assert [(await soon(client.answer())).status for client in held] == [200, 200, 200]
        assert (await here.ask()).status == 200
