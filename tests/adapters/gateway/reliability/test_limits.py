"""Case 11: what clients may not send, and odd but legal HTTP."""

from __future__ import annotations

import json

import pytest

from tests.adapters.gateway.reliability import apis
from tests.adapters.gateway.reliability.client import Answer
from tests.adapters.gateway.reliability.world import on_loop, soon, world

N = 10_000
KINDS = {400: "invalid_request_error", 413: "request_too_large"}
each_api = pytest.mark.parametrize("path", apis.PATHS)


def assert_refused(answer: Answer, path: str, status: int, reason: str) -> None:
    """In the shape that the API's SDKs understand."""
    assert answer.status == status
    error = answer.json["error"]
    if path == apis.MESSAGES:
        assert answer.json["type"] == "error"
        assert error["type"] == KINDS[status]
    else:
        assert error["code"] == reason
    assert error["message"]


def body_of(length: int, path: str) -> bytes:
    body = apis.request(path)
    return body[:-1] + b" " * (length - len(body)) + b"}"


def in_chunks(body: bytes, path: str) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nhost: g\r\ntransfer-encoding: chunked\r\n\r\n".encode()
    parts = [body[at : at + 999] for at in range(0, len(body), 999)]
    return head + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@each_api
@on_loop
async def test_a_body_of_just_the_allowed_length_is_taken(path: str) -> None:
    async with world(max_body_bytes=N) as here:
        client = await here.client()
        body = body_of(N, path)
        await client.send(body, path)
        assert (await client.answer()).status == 200
        await client.write(in_chunks(body, path))
        assert (await client.answer()).status == 200
        assert [visit.body for visit in here.engine.visits] == [body, body]


@each_api
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@on_loop
async def test_a_body_that_is_one_byte_longer_is_refused(path: str, chunked: bool) -> None:
    async with world(max_body_bytes=N) as here:
        client = await here.client()
        body = body_of(N + 1, path)
        if chunked:
            await client.write(in_chunks(body, path))
        else:
            await client.send(body, path)
        answer = await client.answer()
        assert_refused(answer, path, 413, "body_too_large")
        assert answer.headers["connection"] == "close"
        assert here.gateway.counts.problems == {"body_too_large": 1}
        assert await soon(client.ended())
        assert here.engine.visits == []


@on_loop
async def test_a_client_that_is_still_sending_can_read_why_its_body_is_refused() -> None:
    async with world(max_body_bytes=N) as here:
        for path in (apis.CHAT, "/v1/embeddings", "/programs/release"):
            client = await here.client()
            await client.send(b" " * (20 << 20), path)  # more than sockets buffer
            answer = await soon(client.answer())
            assert_refused(answer, path, 413, "body_too_large")


@on_loop
async def test_a_slow_head_and_a_slow_body_are_let_go() -> None:
    async with world(head_timeout_s=0.05, body_timeout_s=0.05) as here:
        for part in (b"", b"POST /v1/chat/comp", b"POST /v1/messages HTTP/1.1\r\ncontent-length: 9\r\n\r\n{"):
            client = await here.client()
            await client.write(part)
            answer = await soon(client.answer())
            assert answer.status == 408
            assert ("code" in answer.json["error"]) == (b"messages" not in part)
            assert await soon(client.ended())
        assert (await here.ask()).status == 200


@on_loop
async def test_a_slow_body_of_an_engines_own_endpoint_is_let_go_too() -> None:
    async with world(body_timeout_s=0.05) as here:
        client = await here.client()
        await client.write(b"POST /v1/embeddings HTTP/1.1\r\nhost: g\r\ncontent-length: 9\r\n\r\n{")
        assert (await soon(client.answer())).status == 408
        assert await soon(client.ended())


@pytest.mark.parametrize("length", [65_537, 200_000, 2_000_000])
@pytest.mark.parametrize("ends", [True, False], ids=["whole", "open"])
@on_loop
async def test_a_head_that_is_too_large_is_refused(length: int, ends: bool) -> None:
    async with world() as here:
        client = await here.client()
        head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\nx-large: " + b"a" * length
        if not ends and length < 400_000:
            return  # nothing tells that it is no more than a slow one
        await client.write(head + (b"\r\ncontent-length: 2\r\n\r\n{}" if ends else b""))
        answer = await soon(client.answer())
        assert (answer.status, answer.reason) == (431, "head_too_large")
        assert here.engine.visits == []


@on_loop
async def test_a_large_head_within_the_limit_is_taken_before_and_after_large_bodies() -> None:
    async with world() as here:
        client = await here.client()
        head = "x-large: " + "a" * 60_000 + "\r\n"
        await client.send(body_of(300_000, apis.CHAT), headers=head)
        await client.send(body_of(300_000, apis.CHAT), headers=head)
        assert [(await soon(client.answer())).status for _ in range(2)] == [200, 200]


BAD_BODIES = [b"", b"{", b"[]", b"null", b"NaN", b'"text"', b"[" * 100_000, b'{"a":' * 100_000, b'{"a": NaN}', b"\xff", b"{} {}"]
BAD_IDS = ['""', '"  "', "7", "{}", '["a"]', "null", '"a\\nb"', '"\\ud800"', '"' + "x" * 257 + '"', '"' + "x" * (1 << 20) + '"']


@each_api
@on_loop
async def test_bodies_that_are_no_json_object_are_refused(path: str) -> None:
    async with world() as here:
        client = await here.client()
        for body in BAD_BODIES:
            await client.send(body, path)
            answer = await soon(client.answer())
            reason = "invalid_json" if answer.status == 400 and b"must be JSON" in answer.body else "invalid_body"
            assert_refused(answer, path, 400, reason)
        assert here.engine.visits == []
        assert (await client.ask(path)).status == 200


@each_api
@on_loop
async def test_program_ids_that_are_none_are_refused(path: str) -> None:
    async with world(mode="thunder", capacity_tokens=10_000) as here:
        client = await here.client()
        before = here.tables()
        whole = json.loads(apis.request(path))
        for bad_id in BAD_IDS:
            for place in ('"program_id": %s', '"extra_body": {"program_id": %s}'):
                await client.send(json.dumps(whole)[:-1].encode() + b", " + (place % bad_id).encode() + b"}", path)
                answer = await soon(client.answer())
                if bad_id != "null":
                    assert answer.status == 400, (place, bad_id[:40], answer)
        for bad_id in ("", " ", "x" * 257, "\x01"):
            await client.send(apis.request(path), path, headers=f"x-program-id: {bad_id}\r\n")
            assert (await soon(client.answer())).status == 400
            if bad_id == "\x01":
                client = await here.client()
        await here.until_tables_are(before | {"busy": here.tables()["busy"]})


@on_loop
async def test_what_is_no_http_is_refused_and_nothing_else_suffers() -> None:
    async with world() as here:
        for nonsense in (
            b"\x00\x01\x02\r\n\r\n",
            b"GET\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"HELLO /\r\n\r\n",
        ):
            client = await here.client()
            await client.write(nonsense)
            answer = await soon(client.answer())
            assert (answer.status, answer.reason) == (400, "bad_http")
        client = await here.client()
        await client.write(b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n")
        assert (await soon(client.answer())).status == 400
        assert (await here.ask()).status == 200
