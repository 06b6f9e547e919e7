"""Case 11, the legal part: pipelining, HEAD, 100-continue, HTTP/1.0, half-closed connections."""

from __future__ import annotations

import asyncio

import pytest

from tests.adapters.gateway.reliability import apis
from tests.adapters.gateway.reliability.behaviours import answers, once_open, stalls
from tests.adapters.gateway.reliability.world import on_loop, soon, until, world


@on_loop
async def test_pipelined_requests_are_answered_in_order() -> None:
    async with world() as here:
        client = await here.client()
        for number in range(30):
            path = ("/health", *apis.PATHS, "/v1/models")[number % 8]
            if path in apis.PATHS:
                await client.send(apis.request(path, stream=number % 3 == 0, program_id=f"p{number}"), path)
            else:
                await client.write(f"GET {path} HTTP/1.1\r\nhost: g\r\n\r\n".encode())
        for number in range(30):
            answer = await soon(client.answer())
            assert answer.status == 200
            path = ("/health", *apis.PATHS, "/v1/models")[number % 8]
            kind = "text/event-stream" if path in apis.PATHS and number % 3 == 0 else "application/json"
            assert answer.headers["content-type"].startswith(kind)


@on_loop
async def test_requests_that_come_in_single_bytes_are_understood() -> None:
    async with world() as here:
        client = await here.client()
        whole = b"".join(
            f"POST {path} HTTP/1.1\r\nHost: g\r\nContent-Length: {len(apis.request(path))}\r\n\r\n".encode() + apis.request(path)
            for path in apis.PATHS
        )
        for at in range(len(whole)):
            client.writer.write(whole[at : at + 1])
            if at % 7 == 0:
                await asyncio.sleep(0)
        for _ in apis.PATHS:
            assert (await soon(client.answer())).status == 200


@on_loop
async def test_a_pipelined_request_that_is_no_http_does_not_cost_the_one_before_its_answer() -> None:
    gate = asyncio.Event()
    async with world(once_open(gate)) as here:
        client = await here.client()
        await client.send(apis.request())
        await here.engine.visit(0)
        await client.write(b"\x00\x01\x02\r\n\r\n")
        gate.set()
        answer = await soon(client.answer())
        assert answer.status == 200
        assert await soon(client.ended())


@on_loop
async def test_a_slow_pipelined_request_does_not_cost_the_one_before_its_answer() -> None:
    gate = asyncio.Event()
    async with world(once_open(gate), head_timeout_s=0.05) as here:
        client = await here.client()
        await client.send(apis.request())
        await here.engine.visit(0)
        await client.write(b"POST /v1/chat")
        await until(lambda: next(iter(here.state.connections))._refused)
        gate.set()
        assert (await soon(client.answer())).status == 200
        assert await soon(client.ended())


@on_loop
async def test_head_and_other_methods_reach_an_engine() -> None:
    async with world() as here:
        client = await here.client()
        for method in ("HEAD", "OPTIONS", "DELETE"):
            await client.write(f"{method} /v1/files/7 HTTP/1.1\r\nhost: g\r\n\r\n".encode())
            answer = await soon(client.answer(headless=method == "HEAD"))
            assert answer.status == 404
        assert [visit.method for visit in here.engine.others] == ["HEAD", "OPTIONS", "DELETE"]
        await client.write(b"HEAD /health HTTP/1.1\r\nhost: g\r\n\r\n")
        assert (await soon(client.answer(headless=True))).status == 200
        assert (await client.ask()).status == 200


@pytest.mark.parametrize("path", [*apis.PATHS, "/v1/embeddings"])
@on_loop
async def test_a_client_that_waits_for_100_continue_is_told_to_go_on(path: str) -> None:
    async with world() as here:
        client = await here.client()
        body = apis.request(path if path in apis.PATHS else apis.CHAT)
        head = f"POST {path} HTTP/1.1\r\nhost: g\r\nexpect: 100-continue\r\ncontent-length: {len(body)}\r\n\r\n"
        await client.write(head.encode())
        assert (await soon(client.answer())).status == 100
        await client.write(body)
        assert (await soon(client.answer())).status in (200, 404)
        assert "expect" not in (here.engine.visits + here.engine.others)[0].headers


@on_loop
async def test_a_client_that_waits_for_100_continue_is_refused_before_it_sends_too_much() -> None:
    async with world(max_body_bytes=10) as here:
        client = await here.client()
        await client.write(b"POST /v1/chat/completions HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 11\r\n\r\n")
        assert (await soon(client.answer())).status == 413


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "json"])
@on_loop
async def test_http_1_0_gets_an_answer_that_it_understands(stream: bool) -> None:
    async with world() as here:
        for path in apis.PATHS:
            client = await here.client()
            await client.send(apis.request(path, stream=stream), path, version="1.0")
            answer = await soon(client.answer())
            assert answer.status == 200
            assert "transfer-encoding" not in answer.headers
            assert answer.headers["connection"] == "close"
            assert await soon(client.ended())
            assert answer.body.startswith(b"{") or answer.body.startswith((b"data:", b"event:"))


@on_loop
async def test_a_client_that_closes_its_half_counts_as_gone() -> None:
    """As everywhere with HTTP/1.1: nobody can tell it from one that has left."""
    async with world(stalls) as here:
        before = here.tables()
        client = await here.client()
        await client.send(apis.request())
        visit = await here.engine.visit(0)
        client.writer.write_eof()
        await soon(visit.left)
        await here.until_tables_are(before | {"busy": {here.engine.url: 0}})


@on_loop
async def test_a_client_that_asks_to_close_is_closed_after_its_answer() -> None:
    async with world(answers) as here:
        for stream in (False, True):
            client = await here.client()
            answer = await client.ask(stream=stream, headers="connection: close\r\n")
            assert (answer.status, answer.headers["connection"]) == (200, "close")
            assert await soon(client.ended())


@on_loop
async def test_an_idle_connection_is_kept_for_so_long_and_no_longer() -> None:
    async with world(keep_alive_s=1.0) as here:
        client = await here.client()
        loop = asyncio.get_running_loop()
        assert (await client.ask()).status == 200
        since_s = loop.time()
        assert await soon(client.ended())
        assert 0.9 < loop.time() - since_s < 5


@on_loop
async def test_an_upgrade_that_is_not_known_is_ignored() -> None:
    async with world() as here:
        client = await here.client()
        upgrade = "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"
        answer = await client.ask(headers=upgrade)
        assert answer.status == 200
        assert "upgrade" not in here.engine.visits[0].headers


@on_loop
async def test_a_tunnel_is_refused() -> None:
    async with world() as here:
        client = await here.client()
        await client.write(b"CONNECT example.org:443 HTTP/1.1\r\nhost: example.org\r\n\r\n")
        assert (await soon(client.answer())).status == 405


@on_loop
async def test_a_url_that_is_written_out_is_the_same_request() -> None:
    async with world(mode="thunder", capacity_tokens=10_000) as here:
        client = await here.client()
        for path in apis.PATHS:
            await client.send(apis.request(path, program_id="p"), f"http://gateway:8300{path}")
            assert (await soon(client.answer())).body == apis.answer(path)
        assert here.runtime.steps("p") == len(apis.PATHS)
        assert {visit.path for visit in here.engine.visits} == set(apis.PATHS)
        await client.write(b"GET http://gateway/health HTTP/1.1\r\nhost: gateway\r\n\r\n")
        assert (await soon(client.answer())).status == 200
