"""Programs are named in the path, where a client can be told a base URL alone, and by the header of SGLang's gateway."""

from __future__ import annotations

import json

import pytest

from tests.adapters.gateway.reliability import apis
from tests.adapters.gateway.reliability.behaviours import answers
from tests.adapters.gateway.reliability.client import Answer
from tests.adapters.gateway.reliability.fake_engine import Visit
from tests.adapters.gateway.reliability.world import World, on_loop, world


async def asked(here: World, path: str, *, base: str = "/p/my-agent", headers: str = "", **more: object) -> Answer:
    client = await here.client()
    await client.send(apis.request(path, **more), base + path, headers=headers)  # type: ignore[arg-type]
    return await client.answer()


def programs(here: World) -> list[str]:
    return list(here.runtime.scheduler.programs)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", apis.PATHS)
@on_loop
async def test_every_api_takes_a_program_in_its_path(path: str, stream: bool) -> None:
    async with world() as here:
        answer = await asked(here, path, stream=stream)
        assert (answer.status, answer.whole) == (200, True)
        assert programs(here) == ["my-agent"]
        assert here.engine.visits[0].path == path


@on_loop
async def test_it_is_percent_encoded_and_a_query_may_follow() -> None:
    async with world() as here:
        client = await here.client()
        await client.send(apis.request(apis.GENERATE), "/p/train%2F5_0%20%C3%A9/generate?x=%2F")
        assert (await client.answer()).status == 200
        assert programs(here) == ["train/5_0 é"]
        assert here.engine.visits[0].path == "/generate"


@pytest.mark.parametrize("program", ["", "%20", "%00", "%ff", "x" * 257])
@on_loop
async def test_what_is_no_id_is_refused_in_the_path_as_elsewhere(program: str) -> None:
    async with world() as here:
        answer = await asked(here, apis.GENERATE, base=f"/p/{program}")
        assert (answer.status, answer.reason) == (400, "invalid_program_id")
        assert here.engine.visits == []


@pytest.mark.parametrize(
    ("headers", "more", "expected"),
    [
        ("X-Program-ID: program\r\nX-Session-ID: session\r\nX-SMG-Routing-Key: key\r\n", {"program_id": "body"}, "body"),
        ("X-SMG-Routing-Key: key\r\nX-Session-ID: session\r\nX-Program-ID: program\r\n", {}, "program"),
        ("X-SMG-Routing-Key: key\r\nX-Session-ID: session\r\n", {}, "path"),
    ],
)
@on_loop
async def test_what_is_meant_for_us_goes_before_what_may_be_there_for_others(
    headers: str, more: dict[str, str], expected: str
) -> None:
    async with world() as here:
        assert (await asked(here, apis.GENERATE, base="/p/path", headers=headers, **more)).status == 200
        assert programs(here) == [expected]


@on_loop
async def test_without_a_path_a_session_goes_before_a_routing_key() -> None:
    async with world() as here:
        both = "X-SMG-Routing-Key: key\r\nX-Session-ID: session\r\n"
        assert (await asked(here, apis.GENERATE, base="", headers=both)).status == 200
        assert (await asked(here, apis.GENERATE, base="", headers="X-SMG-Routing-Key:  key\r\n")).status == 200
        assert programs(here) == ["session", "key"]
        assert here.engine.visits[1].headers["x-smg-routing-key"] == "key"


@on_loop
async def test_management_and_what_is_passed_through_are_there_too() -> None:
    async def says_where(visit: Visit) -> None:
        visit.respond(200, json.dumps(visit.path).encode())

    async with world() as here:
        here.engine.other = says_where
        client = await here.client()
        assert (await client.get("/p/my-agent/health")).json["status"] == "ok"
        assert (await client.get("/p/my-agent/v1/models")).json["data"][0]["id"] == "m"
        assert (await client.get("/p/my-agent/get_model_info?x=1")).json == "/get_model_info"
        assert (await client.get("/p/my-agent")).json == "/"
        assert programs(here) == []


@on_loop
async def test_a_refusal_before_the_body_is_in_the_shape_of_the_api() -> None:
    async with world(answers, max_body_bytes=10) as here:
        answer = await asked(here, apis.MESSAGES)
        assert (answer.status, answer.json["type"]) == (413, "error")
