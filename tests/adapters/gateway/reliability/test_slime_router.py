"""In the place of slime's router: its engines come and go, its rollouts generate and end."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.adapters.gateway.reliability import apis
from tests.adapters.gateway.reliability.behaviours import answers, once_open, stalls
from tests.adapters.gateway.reliability.client import Answer, Client
from tests.adapters.gateway.reliability.fake_engine import FakeEngine
from tests.adapters.gateway.reliability.watched import page, watched_world
from tests.adapters.gateway.reliability.world import World, on_loop, soon, until

KEY = "X-SMG-Routing-Key: {}\r\n"
ROLLOUT = "user-agent: python-httpx/0.28.1\r\n"
NEARLY_ALL_TOKENS = [1] * 12_000
"""Of the 16,000 of an engine: two such programs do not run at once."""


async def sent(here: World, session_id: str) -> Client:
    """A sample's request, as slime sends it."""
    client = await here.client()
    here.kept.append(client)
    body = json.dumps({"input_ids": NEARLY_ALL_TOKENS, "sampling_params": {}, "return_logprob": True}).encode()
    await client.send(body, apis.GENERATE, headers=KEY.format(session_id))
    return client


async def workers(here: World, method: str = "GET", path: str = "", body: bytes = b"", headers: str = "") -> Answer:
    client = await here.client()
    await client.send(body, f"/workers{path}", method=method, headers=headers)
    answer = await client.answer()
    client.leave()
    return answer


def finish_reason(answer: Answer) -> str | None:
    assert answer.status == 200, answer
    told = answer.json["meta_info"].get("finish_reason")
    return None if told is None else str(told["type"])


@on_loop
async def test_an_engine_that_registers_gets_turns_and_one_that_goes_leaves_its_programs_to_the_others() -> None:
    async with watched_world(router_for="slime") as here:
        second = await FakeEngine(answers).start()
        second.metrics = page(1_001)
        here.engines.append(second)
        added = await workers(here, "POST", body=json.dumps({"url": second.url, "worker_type": "regular"}).encode())
        assert (added.status, added.json["status"]) == (202, "added")
        await until(lambda: len(here.runtime.backends) == 2)
        for number in range(4):
            assert (await (await sent(here, f"s{number}")).answer()).status == 200
        assert here.engine.visits and second.visits
        listed = {worker["url"]: worker["id"] for worker in (await workers(here)).json["workers"]}
        assert (await workers(here, "DELETE", f"/{listed[here.engine.url]}")).status == 202
        await until(lambda: here.runtime.backends == [second.url])
        before = len(here.engine.visits)
        for number in range(4):
            assert (await (await sent(here, f"s{number}")).answer()).status == 200
        assert len(here.engine.visits) == before


@on_loop
async def test_a_rollout_that_ends_gets_its_held_requests_back_before_it_learns_where_the_engines_are() -> None:
    gate = asyncio.Event()
    async with watched_world(once_open(gate), router_for="slime") as here:
        runs = await sent(here, "runs")
        await until(lambda: here.engine.open == 1)
        waits = [await sent(here, f"waits{number}") for number in range(40)]
        await until(lambda: here.runtime.scheduler.waiting_turns == 40)
        assert (await workers(here)).status == 200
        assert here.runtime.scheduler.waiting_turns == 40, "somebody else has looked"
        listed = await workers(here, headers=ROLLOUT)
        assert [worker["url"] for worker in listed.json["workers"]] == [here.engine.url]
        assert {finish_reason(await soon(client.answer())) for client in waits} == {"abort"}
        gate.set()
        assert finish_reason(await soon(runs.answer())) is None
        assert len(here.engine.visits) == 1
        assert finish_reason(await soon((await sent(here, "runs")).answer())) == "abort", "its next turn"
        assert finish_reason(await soon((await sent(here, "waits0")).answer())) is None, "the same sample, anew"


@on_loop
async def test_a_request_that_cannot_be_run_fails_so_that_slime_tries_it_again() -> None:
    """As aborted it would count as a sample without a reward, or be asked for anew at once and for ever."""
    async with watched_world(up=False, router_for="slime") as here:
        answer = await (await sent(here, "s1")).answer()
        assert (answer.status, answer.reason) == (503, "no_backend")


@on_loop
async def test_an_engine_that_is_killed_while_it_runs_a_request_does_not_fail_it() -> None:
    async with watched_world(stalls, engines=2, router_for="slime") as here:
        client = await sent(here, "s1")
        await until(lambda: sum(engine.open for engine in here.engines) == 1)
        dies, stays = sorted(here.engines, key=lambda engine: -engine.open)
        stays.behaviour = answers
        dies.die()
        assert finish_reason(await soon(client.answer())) is None


@pytest.mark.parametrize("admin_port", [None, 0])
@on_loop
async def test_slime_finds_the_workers_where_it_generates(admin_port: int | None) -> None:
    async with watched_world(router_for="slime", admin_port=admin_port) as here:
        assert (await workers(here)).json["workers"][0]["url"] == here.engine.url
        assert (await here.get("/health")).status == 200
