"""Connections to engines, on real sockets: a scripted server plays the engine's side of HTTP byte by byte."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from thunderagent.adapters.gateway.reply import Reply, UpstreamError
from thunderagent.adapters.gateway.upstream import Pool

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """One request, head and body; b"" when the client has left."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    return head + (await reader.readexactly(length) if length else b"")


def against(serve: Serve, scenario: Callable[[Pool], Awaitable[None]]) -> None:
    """Run a scenario before a server whose connections are served by ``serve``."""

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(guarded, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        pool = Pool(f"http://127.0.0.1:{port}/base", connect_timeout_s=5.0, peer_timeout_s=60.0)
        try:
            async with asyncio.timeout(20):
                await scenario(pool)
        finally:
            pool.close()
            server.close()

    asyncio.run(main())


def answering(*answers: bytes) -> tuple[Serve, list[bytes]]:
    """Serves each request with the next answer, on whatever connection; remembers the requests."""
    requests: list[bytes] = []
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await read_request(reader):
            requests.append(request)
            writer.write(left.pop(0))
            await writer.drain()

    return serve, requests


async def get(pool: Pool, *, streamed: bool = False, method: bytes = b"GET") -> Reply:
    return await pool.request(method, b"/x", [], None, streamed=streamed)


def test_a_request_carries_the_pools_path_and_host_the_callers_lines_and_the_bodys_length() -> None:
    serve, requests = answering(OK)

    async def scenario(pool: Pool) -> None:
        reply = await pool.request(b"POST", b"/v1/x?y=1", [b"a: b"], b"body", streamed=False)
        assert (reply.status, reply.body, reply.complete) == (200, [b"ok"], True)
        head, _, body = requests[0].partition(b"\r\n\r\n")
        host = pool.url.removeprefix("http://").removesuffix("/base").encode()
        assert head.split(b"\r\n") == [b"POST /base/v1/x?y=1 HTTP/1.1", b"host: " + host, b"a: b", b"content-length: 4"]
        assert body == b"body"

    against(serve, scenario)


def test_connections_are_used_again_after_whole_answers() -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while await read_request(reader):
            writer.write(OK)

    async def scenario(pool: Pool) -> None:
        for _ in range(5):
            await get(pool)

    against(serve, scenario)
    assert connections == 1


def test_a_request_on_a_connection_that_the_engine_has_just_closed_is_sent_again_on_a_new_one() -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await read_request(reader)
        writer.write(OK)
        if connections == 1:
            await read_request(reader)  # the second request comes, and the connection is closed without an answer

    async def scenario(pool: Pool) -> None:
        await get(pool)
        assert (await get(pool)).status == 200

    against(serve, scenario)
    assert connections == 2


def test_a_fresh_connection_that_is_closed_without_an_answer_is_an_error_that_names_the_engine() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)

    async def scenario(pool: Pool) -> None:
        with pytest.raises(UpstreamError, match=pool.url) as caught:
            await get(pool)
        assert not caught.value.began

    against(serve, scenario)


def test_an_engine_that_cannot_be_reached_is_an_error() -> None:
    async def main() -> None:
        with pytest.raises(UpstreamError, match="cannot be reached"):
            await get(Pool("http://127.0.0.1:1", connect_timeout_s=5.0, peer_timeout_s=60.0))

    asyncio.run(main())


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nok",
    ],
)
def test_a_body_without_length_ends_with_its_connection(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer)

    async def scenario(pool: Pool) -> None:
        reply = await get(pool)
        assert (reply.complete, b"".join(reply.body)) == (True, b"ok")

    against(serve, scenario)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n",
    ],
)
def test_a_body_that_breaks_off_is_an_error_after_the_first_byte(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer)

    async def scenario(pool: Pool) -> None:
        with pytest.raises(UpstreamError) as caught:
            await get(pool)
        assert caught.value.began

    against(serve, scenario)


def test_what_is_not_http_is_an_error() -> None:
    serve, _ = answering(b"<html>\r\n\r\n")

    async def scenario(pool: Pool) -> None:
        with pytest.raises(UpstreamError, match="not HTTP"):
            await get(pool)

    against(serve, scenario)


def test_provisional_answers_are_passed_over() -> None:
    serve, _ = answering(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK)

    async def scenario(pool: Pool) -> None:
        reply = await get(pool)
        assert (reply.status, reply.headers, reply.body) == (200, [(b"content-length", b"2")], [b"ok"])

    against(serve, scenario)


def test_an_answer_to_head_has_the_length_and_no_body() -> None:
    serve, _ = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n", OK)

    async def scenario(pool: Pool) -> None:
        reply = await get(pool, method=b"HEAD", streamed=True)
        assert (reply.complete, reply.length, reply.body) == (True, 500, [])
        assert (await get(pool)).body == [b"ok"]

    against(serve, scenario)


def test_no_content_is_a_whole_answer() -> None:
    serve, _ = answering(b"HTTP/1.1 204 No Content\r\n\r\n", OK)

    async def scenario(pool: Pool) -> None:
        assert (await get(pool)).complete
        assert (await get(pool)).status == 200

    against(serve, scenario)


def test_a_stream_is_ready_with_its_headers_and_is_piped_to_its_end() -> None:
    go_on = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n")
        await go_on.wait()
        writer.write(b"1\r\nb\r\n1\r\nc\r\n0\r\n\r\n")
        await read_request(reader)

    async def scenario(pool: Pool) -> None:
        reply = await get(pool, streamed=True)
        assert not reply.complete
        go_on.set()
        pieces: list[bytes] = []
        await reply.pipe(pieces.append)
        assert b"".join(pieces) == b"abc"

    against(serve, scenario)


def test_a_reader_that_leaves_closes_the_connection_at_the_engine() -> None:
    left = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n")
        if not await read_request(reader):
            left.set()

    async def scenario(pool: Pool) -> None:
        (await get(pool, streamed=True)).close()
        await left.wait()

    against(serve, scenario)


def test_a_task_that_is_cancelled_before_the_answer_closes_the_connection_at_the_engine() -> None:
    came, left = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        came.set()
        if not await read_request(reader):
            left.set()

    async def scenario(pool: Pool) -> None:
        task = asyncio.create_task(get(pool))
        await came.wait()
        task.cancel()
        await left.wait()

    against(serve, scenario)


def test_a_paused_reply_holds_the_engine_back_and_loses_nothing() -> None:
    total_bytes = 32 << 20
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % total_bytes)
        while sent < total_bytes:
            writer.write(b"x" * (1 << 16))
            await writer.drain()
            sent += 1 << 16
        await read_request(reader)

    async def scenario(pool: Pool) -> None:
        reply = await get(pool, streamed=True)
        received = 0

        def take(piece: bytes) -> None:
            nonlocal received
            received += len(piece)
            reply.pause()

        piping = asyncio.create_task(reply.pipe(take))
        before = -1
        while before != sent:  # until buffers of the sockets are full
            before = sent
            for _ in range(200):
                await asyncio.sleep(0)
        assert sent < total_bytes
        while not piping.done():
            reply.resume()
            await asyncio.sleep(0)
        assert received == total_bytes

    against(serve, scenario)


def test_an_engine_that_speaks_unasked_loses_the_connection() -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while await read_request(reader):
            writer.write(OK + b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong")

    async def scenario(pool: Pool) -> None:
        assert (await get(pool)).body == [b"ok"]
        assert (await get(pool)).body == [b"ok"]

    against(serve, scenario)
    assert connections == 2


def test_closing_the_pool_breaks_off_what_runs() -> None:
    came = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        came.set()
        await read_request(reader)

    async def scenario(pool: Pool) -> None:
        task = asyncio.create_task(get(pool))
        await came.wait()
        pool.close()
        with pytest.raises(UpstreamError):
            await task

    against(serve, scenario)
