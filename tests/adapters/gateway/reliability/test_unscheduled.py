"""Requests that are not scheduled go through the same mill: clients leave, engines die, nobody reads, time runs out."""

from __future__ import annotations

import asyncio

import pytest

from tests.adapters.gateway.reliability import apis
from tests.adapters.gateway.reliability.behaviours import (
    SSE_HEAD,
    breaks_off,
    chats,
    chunk,
    fails,
    falls_silent,
    resets,
    stalls,
    talks_nonsense,
)
from tests.adapters.gateway.reliability.fake_engine import Behaviour, Visit
from tests.adapters.gateway.reliability.world import on_loop, soon, until, until_still, world

PATH = "/v1/embeddings"


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "json"])
@pytest.mark.parametrize("behaviour", [stalls, falls_silent, chats])
@on_loop
async def test_the_engine_sees_that_its_client_has_left(behaviour: Behaviour, stream: bool) -> None:
    async with world() as here:
        here.engine.other = behaviour
        for number in range(5):
            client = await here.client()
            await client.send(apis.request(stream=stream), PATH)
            await until(lambda number=number: len(here.engine.others) > number)
            if behaviour is not stalls:
                await client.head()
            (client.leave if number % 2 else client.vanish)()
            left_s = asyncio.get_running_loop().time()
            visit = here.engine.others[number]
            await soon(visit.left)
            assert visit.left_s is not None
            assert visit.left_s - left_s < 0.5
        await until(lambda: not here.state.tasks and not here.state.connections)
        assert here.gateway.counts.disconnects == 5


@on_loop
async def test_a_pipelined_turn_does_not_hide_that_its_client_has_left() -> None:
    async with world() as here:
        here.engine.other = stalls
        client = await here.client()
        await client.send(b"{}", PATH)
        await client.send(apis.request())
        await client.send(b"{}", PATH)
        await until(lambda: here.engine.others)
        client.leave()
        await soon(here.engine.others[0].left)
        await until(lambda: not here.state.tasks)
        assert here.engine.visits == []


@pytest.mark.parametrize("fault", [resets, talks_nonsense])
@on_loop
async def test_an_engine_that_gives_no_answer_is_told_in_json(fault: Behaviour) -> None:
    async with world() as here:
        here.engine.other = fault
        client = await here.client()
        for _ in range(3):
            await client.send(b"{}", PATH)
            answer = await soon(client.answer())
            assert (answer.status, answer.reason) == (503, "backend_failed")
            assert answer.retry_after_s >= 1


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "json"])
def test_an_answer_that_breaks_off_is_seen_to_be_cut(stream: bool, caplog: pytest.LogCaptureFixture) -> None:
    cut(stream)
    assert not [record for record in caplog.records if record.exc_info]


@on_loop
async def cut(stream: bool) -> None:
    async with world() as here:
        here.engine.other = breaks_off
        client = await here.client()
        await client.send(apis.request(stream=stream), PATH)
        status, headers = await soon(client.head())
        assert status == 200
        rest = await soon(client.reader.read())
        assert not rest.endswith(b"0\r\n\r\n")
        assert len(rest) < int(headers.get("content-length", 1_000))


@on_loop
async def test_errors_of_the_engine_are_passed_on() -> None:
    async with world() as here:
        for status in (400, 404, 429, 500, 503):
            here.engine.other = fails(status, "retry-after: 3\r\n")
            client = await here.client()
            await client.send(b"{}", PATH)
            answer = await soon(client.answer())
            assert (answer.status, answer.retry_after_s, answer.body) == (status, 3, b'{"error":{"message":"no"}}')


@on_loop
async def test_a_deadline_ends_it() -> None:
    async with world(timeout_s=0.1) as here:
        here.engine.other = stalls
        client = await here.client()
        await client.send(b"{}", PATH)
        answer = await soon(client.answer())
        assert (answer.status, answer.reason) == (504, "timeout")
        here.engine.other = falls_silent
        await client.send(b"{}", PATH)
        assert (await soon(client.head()))[0] == 200
        await soon(client.ended())
        await until(lambda: all(visit.left_s for visit in here.engine.others))


@on_loop
async def test_a_client_that_reads_slowly_holds_the_engine_back() -> None:
    produced = 0

    async def gushes(visit: Visit) -> None:
        nonlocal produced
        await visit.write(SSE_HEAD)
        for _ in range(1_000):
            await visit.write(chunk(b"x" * 60_000))
            produced += 60_000
        await visit.write(b"0\r\n\r\n")
        visit.end()

    async with world() as here:
        here.engine.other = gushes
        client = await here.client()
        client.writer.transport.pause_reading()
        await client.send(b"{}", PATH)
        await until(lambda: here.engine.others and here.engine.others[0].held_back)
        protocol = next(iter(here.state.connections))
        await until(lambda: protocol.flow.write_paused)
        await until_still(lambda: produced)
        assert produced < 50 << 20  # sockets hold megabytes, each
        assert protocol.transport.get_write_buffer_size() < 1 << 20
        client.writer.transport.resume_reading()
        answer = await soon(client.answer())
        assert (answer.whole, len(answer.body)) == (True, 1_000 * 60_000)


@on_loop
async def test_an_upload_reaches_the_engine_whole() -> None:
    async with world() as here:
        client = await here.client()
        body = b"0123456789" * (1 << 20)
        await client.send(body, PATH)
        assert (await soon(client.answer())).status == 404
        assert here.engine.others[0].body == body
