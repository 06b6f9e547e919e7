"""An engine that orders its queue by priority is told the scheduler's; every other one gets what its client sent."""

from __future__ import annotations

import json

import pytest

from tests.adapters.gateway.reliability import apis
from tests.adapters.gateway.reliability.behaviours import answers, fails, one_after_the_other
from tests.adapters.gateway.reliability.world import on_loop, world
from thunderagent.adapters.gateway.routes import Route

KNOW_IT = (apis.CHAT, apis.COMPLETIONS, apis.RESPONSES, apis.GENERATE, apis.TOKENS)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("path", KNOW_IT)
@on_loop
async def test_older_programs_go_first(path: str, sign: int) -> None:
    async with world(mode="thunder", route_of=lambda url: Route(url, priority_sign=sign)) as here:
        for program in ("old", "young", "old"):
            await here.ask(path, program_id=program)
        told = [sign * json.loads(visit.body)["priority"] for visit in here.engine.visits]
        assert told[0] == told[2] < told[1]


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "json"])
@pytest.mark.parametrize("path", apis.PATHS)
@on_loop
async def test_an_engine_that_takes_none_gets_the_clients_bytes(path: str, stream: bool) -> None:
    async with world(mode="thunder") as here:
        body = apis.request(path, stream=stream, stream_options={"include_usage": True})
        client = await here.client()
        await client.send(body, path)
        assert (await client.answer()).status == 200
        assert here.engine.visits[0].body == body


@pytest.mark.parametrize("path", KNOW_IT)
@on_loop
async def test_a_clients_own_priority_stays(path: str) -> None:
    async with world(mode="thunder", route_of=lambda url: Route(url, priority_sign=1)) as here:
        await here.ask(path, priority=42)
        assert here.engine.visits[0].body == apis.request(path, priority=42)


@on_loop
async def test_a_retry_has_the_same_priority_on_another_engine_in_its_own_order() -> None:
    signs = [1, -1]
    order: dict[str, int] = {}
    failing = one_after_the_other(fails(503), fails(503), answers)
    async with world(
        failing,
        engines=2,
        mode="thunder",
        capacity_tokens=10_000,
        route_of=lambda url: Route(url, priority_sign=order.setdefault(url, signs[len(order) % 2])),
    ) as here:
        assert (await here.ask(program_id="p")).status == 200
        visits = [(order[engine.url], json.loads(visit.body)) for engine in here.engines for visit in engine.visits]
        assert len(visits) == 3
        assert len({sign * body["priority"] for sign, body in visits}) == 1
        assert {sign for sign, _ in visits} == {1, -1}
