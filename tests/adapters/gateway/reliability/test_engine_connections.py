"""What engines do with their connections: odd but legal, late, or wrong. No client is to notice, and nothing mixes up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.adapters.gateway.reliability import apis
from tests.adapters.gateway.reliability.behaviours import (
    SSE_HEAD,
    answers,
    breaks_off,
    chunk,
    one_after_the_other,
    resets,
    talks_nonsense,
)
from tests.adapters.gateway.reliability.fake_engine import Behaviour, Visit
from tests.adapters.gateway.reliability.world import World, on_loop, soon, until, world

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


@asynccontextmanager
async def in_front_of(handler: Handler, **settings: float) -> AsyncIterator[World]:
    """A gateway before an engine that reads and writes as it likes."""
    async with world(engines=0, **settings) as here, await asyncio.start_server(handler, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        here.gateway.joined(url)
        here.runtime.add_backend(url, None)
        yield here
        here.gateway.left(url)
        here.runtime.remove_backend(url)


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head + await reader.readexactly(length)


@on_loop
async def test_a_request_on_a_connection_that_the_engine_has_just_closed_is_sent_once_more() -> None:
    async with world(one_after_the_other(answers, resets, answers)) as here:
        assert [(await here.ask()).status for _ in range(3)] == [200, 200, 200]
        assert len(here.engine.visits) == 4
        assert here.gateway.counts.retries == 0
        assert here.gateway.fleet.views()[0].failures == 0


@on_loop
async def test_a_request_that_makes_the_engine_close_its_connection_is_not_sent_on_all_of_them() -> None:
    async with world(attempts=1) as here:
        clients = [await here.client() for _ in range(20)]
        for client in clients:
            await client.send(apis.request())
        for client in clients:
            assert (await client.answer()).status == 200
        here.engine.behaviour = resets
        assert (await here.ask()).status == 503
        assert len(here.engine.visits) == 22


@on_loop
async def test_interim_answers_are_left_out() -> None:
    async def interim(visit: Visit) -> None:
        await visit.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n")
        await answers(visit)

    async with world(interim) as here:
        for stream in (True, False, True):
            answer = await here.ask(stream=stream)
            assert answer.status == 200
            assert "link" not in answer.headers
        assert here.engine.connected == 1


@on_loop
async def test_an_engine_that_answers_before_it_has_read_the_request_is_heard() -> None:
    closed = asyncio.Event()

    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}")
        with contextlib.suppress(ConnectionError):
            while await reader.read(1 << 20):
                pass
        writer.close()
        closed.set()

    async with in_front_of(hasty) as here:
        client = await here.client()
        await client.send(apis.request(x="x" * (20 << 20)))
        assert (await soon(client.answer())).status == 400
        pool = next(iter(here.gateway._pools.values()))
        await until(lambda: not pool._all)
        await soon(closed.wait())


@on_loop
async def test_what_an_engine_says_beyond_its_answer_is_no_answer_to_anybody_else() -> None:
    asked: list[bytes] = []

    async def talkative(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                asked.append(await read_request(reader))
                writer.write(OK + b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nnot yours")
        except asyncio.IncompleteReadError:
            writer.close()

    async with in_front_of(talkative) as here:
        client = await here.client()
        for _ in range(5):
            assert (await soon(client.ask())).body == b"{}"
        assert len(asked) == 5


@on_loop
async def test_an_answer_may_end_with_its_connection() -> None:
    async def old(visit: Visit) -> None:
        await visit.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + apis.event(visit.path))
        await visit.write(apis.last_events(visit.path))
        visit.close()

    async with world(old) as here:
        for stream in (True, False):
            answer = await here.ask(stream=stream)
            assert (answer.status, answer.whole) == (200, True)
            assert answer.body.endswith(b"data: [DONE]\n\n")
        assert {step.outcome for step in here.steps} <= {"completed", "failed"}


@pytest.mark.parametrize("fault", [resets, talks_nonsense, breaks_off])
@on_loop
async def test_a_broken_answer_is_tried_again_while_the_client_has_seen_nothing(fault: Behaviour) -> None:
    async with world(one_after_the_other(fault, answers)) as here:
        for path in apis.PATHS:
            here.engine.behaviour = one_after_the_other(fault, answers)
            answer = await here.ask(path, program_id="p")
            assert answer.status == 200
            assert answer.body == apis.answer(path)
        assert [step.outcome for step in here.steps] == ["completed"] * len(apis.PATHS)


@pytest.mark.parametrize("path", apis.PATHS)
@on_loop
async def test_a_stream_that_breaks_ends_with_an_error_event_of_its_own(path: str) -> None:
    async def breaks_within_an_event(visit: Visit) -> None:
        await visit.write(SSE_HEAD + chunk(apis.event(path)) + chunk(b'data: {"half'))
        visit.close()

    async with world(breaks_within_an_event) as here:
        answer = await here.ask(path, stream=True, program_id="p")
        assert (answer.status, answer.whole) == (200, False)
        *_, half, error, rest = answer.body.split(b"\n\n")
        assert rest == b""
        assert b"error" not in half
        assert error.startswith(b"event: error\ndata: {" if path == apis.MESSAGES else b'data: {"error"')
        assert len(here.engine.visits) == 1
        assert [step.outcome for step in here.steps] == ["failed"]
