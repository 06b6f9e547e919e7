"""The whole gateway under a server that is not ours: plain uvicorn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from tests.adapters.gateway.reliability import apis
from tests.adapters.gateway.reliability.behaviours import SSE_HEAD, answers, breaks_off, chats, chunk, falls_silent, stalls
from tests.adapters.gateway.reliability.fake_engine import Behaviour, Visit
from tests.adapters.gateway.reliability.world import World, on_loop, soon, until, until_still, world
from thunderagent.adapters.gateway.asgi import AsgiGateway

WITHIN_S = 0.05


@asynccontextmanager
async def asgi_world(behaviour: Behaviour = answers, **settings: Any) -> AsyncIterator[World]:
    """``world``, whose clients come to a plain uvicorn."""
    async with world(behaviour, **settings) as here:
        config = uvicorn.Config(AsgiGateway(here.gateway.short_way, here.gateway.app), lifespan="off", log_config=None)
        config.load()
        state = ServerState()
        listener = await asyncio.get_running_loop().create_server(
            lambda: HttpToolsProtocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
        )
        try:
            yield replace(here, port=listener.sockets[0].getsockname()[1], state=state)
        finally:
            listener.close()
            for connection in list(state.connections):
                connection.transport.abort()
            await until(lambda: not state.connections and not state.tasks)


@on_loop
async def test_every_api_is_scheduled_whole_and_streamed() -> None:
    async with asgi_world() as here:
        for path in apis.PATHS:
            for stream in (False, True):
                answer = await here.ask(path, stream=stream, program_id="p")
                assert (answer.status, answer.whole) == (200, True)
                assert answer.headers["x-thunder-backend"] == here.engine.url
        assert {step.program_id for step in here.steps} == {"p"}
        assert len(here.steps) == 2 * len(apis.PATHS)
        assert all(step.completion_tokens for step in here.steps)


@on_loop
async def test_programs_are_named_in_headers_and_paths_too() -> None:
    async with asgi_world() as here:
        await here.ask(headers="x-session-id: by header\r\n")
        await here.post("/p/by%20path/v1/chat/completions", apis.request())
        assert [step.program_id for step in here.steps] == ["by header", "by path"]
        assert (await here.get("/p/by%20path/ready")).json["ready"]


@on_loop
async def test_what_is_no_turn_is_answered_as_ever() -> None:
    async with asgi_world() as here:
        assert (await here.get("/ready")).status == 200
        assert (await here.get("/programs")).status == 200
        assert (await here.get("/nowhere")).status != 500


@on_loop
async def test_pieces_of_a_stream_come_as_the_engine_sends_them() -> None:
    gate = asyncio.Event()

    async def in_two_parts(visit: Visit) -> None:
        await visit.write(SSE_HEAD + chunk(apis.event(visit.path, "one")))
        await gate.wait()
        await visit.write(chunk(apis.event(visit.path, "two")) + b"0\r\n\r\n")
        visit.end()

    async with asgi_world(in_two_parts) as here:
        client = await here.client()
        await client.send(apis.request(stream=True))
        await client.head()
        assert b"one" in await soon(client.piece())
        gate.set()
        assert b"two" in await soon(client.piece())
        client.leave()


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "json"])
@pytest.mark.parametrize("behaviour", [stalls, falls_silent, chats])
@on_loop
async def test_the_engine_sees_at_once_that_its_client_has_left(behaviour: Behaviour, stream: bool) -> None:
    async with asgi_world(behaviour) as here:
        for number, path in enumerate(apis.PATHS):
            client = await here.client()
            await client.send(apis.request(path, stream=stream), path)
            visit = await here.engine.visit(number)
            if stream and behaviour is not stalls:
                await client.head()
                assert await client.piece()
            (client.leave if number % 2 else client.vanish)()
            await asyncio.wait_for(asyncio.shield(visit.left), 10)
        await until(lambda: {step.outcome for step in here.steps} == {"cancelled"} and len(here.steps) == len(apis.PATHS))
        assert here.gateway.counts.disconnects == len(apis.PATHS)


@on_loop
async def test_a_turn_that_waits_goes_with_its_client() -> None:
    async with asgi_world(mode="cap", config={"programs_per_engine": 1}) as here:
        await here.ask(program_id="holder")
        client = await here.client()
        await client.send(apis.request(program_id="waits"))
        await until(lambda: here.runtime.scheduler.waiting_turns)
        client.vanish()
        await until(lambda: not here.runtime.scheduler.waiting_turns)
        assert list(here.runtime.scheduler.programs) == ["holder"]


@on_loop
async def test_a_client_that_reads_slowly_holds_the_engine_back() -> None:
    produced = 0

    async def gushes(visit: Visit) -> None:
        nonlocal produced
        await visit.write(SSE_HEAD)
        piece = chunk(apis.event(visit.path, "x" * 60_000))
        for _ in range(1_000):
            await visit.write(piece)
            produced += len(piece)
        await visit.write(b"0\r\n\r\n")
        visit.end()

    async with asgi_world(gushes) as here:
        client = await here.client()
        client.writer.transport.pause_reading()
        await client.send(apis.request(stream=True))
        visit = await here.engine.visit(0)
        await until(lambda: visit.held_back)
        await until_still(lambda: produced)
        assert produced < 50 << 20  # sockets hold megabytes, each
        client.writer.transport.resume_reading()
        answer = await soon(client.answer())
        assert (answer.status, answer.whole) == (200, True)
        assert len(answer.body) > 1_000 * 60_000


@on_loop
async def test_an_answer_that_breaks_off_is_cut_after_what_came() -> None:
    async with asgi_world(breaks_off) as here:
        answer = await soon(here.ask(stream=True))
        assert (answer.status, answer.whole) == (200, False)


@on_loop
async def test_a_deadline_is_told_in_the_answer() -> None:
    async with asgi_world(stalls, timeout_s=0.1) as here:
        answer = await soon(here.ask())
        assert (answer.status, answer.reason) == (504, "timeout")


@on_loop
async def test_bodies_have_their_limits() -> None:
    async with asgi_world(max_body_bytes=1_000, body_timeout_s=0.1) as here:
        answer = await soon(here.post("/v1/chat/completions", b"x" * 1_001))
        assert (answer.status, answer.reason) == (413, "body_too_large")
        client = await here.client()
        chunked = b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
        await client.write(chunked + chunk(b"x" * 600) * 2)
        answer = await soon(client.answer())
        assert (answer.status, answer.reason) == (413, "body_too_large")
        client.leave()
        slow = await here.client()
        await slow.write(chunked + chunk(b"x"))
        answer = await soon(slow.answer())
        assert (answer.status, answer.reason) == (408, "request_too_slow")
        slow.leave()
        assert here.gateway.counts.problems["body_too_large"] == 2


@on_loop
async def test_a_client_that_leaves_before_its_body_is_whole_is_forgotten() -> None:
    async with asgi_world() as here:
        client = await here.client()
        await client.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{")
        client.vanish()
        await until(lambda: not here.state.connections and not here.state.tasks)
        assert here.steps == []
