"""Cases 4 and 10: engines that take too long, and clients that do not read."""

from __future__ import annotations

from tests.adapters.gateway.reliability import apis
from tests.adapters.gateway.reliability.behaviours import SSE_HEAD, answers, chunk, falls_silent, one_after_the_other, stalls
from tests.adapters.gateway.reliability.fake_engine import Visit
from tests.adapters.gateway.reliability.world import on_loop, soon, until, until_still, world


@on_loop
async def test_an_engine_that_does_not_begin_in_time_counts_as_failed() -> None:
    async with world(one_after_the_other(answers, stalls, answers), first_byte_timeout_s=0.05) as here:
        for stream in (False, True):
            here.engine.behaviour = one_after_the_other(stalls, answers)
            answer = await here.ask(stream=stream)
            assert answer.status == 200
        assert here.gateway.counts.retries == 2
        assert all(visit.left_s is not None for visit in here.engine.visits[::2])


@on_loop
async def test_a_deadline_ends_a_request_whatever_the_engine_does() -> None:
    async with world(stalls, timeout_s=0.1) as here:
        for behaviour in (stalls, falls_silent):
            here.engine.behaviour = behaviour
            before = len(here.engine.visits)
            answer = await soon(here.ask())
            assert (answer.status, answer.reason) == (504, "timeout")
            assert len(here.engine.visits) == before + 1
        answer = await soon(here.ask(stream=True))
        assert (answer.status, answer.whole) == (200, False)
        assert b'"code":"timeout"' in answer.body.split(b"\n\n")[-2]
        await until(lambda: here.engine.open == 0)
        assert here.gateway.counts.disconnects == 0


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

    async with world(gushes) as here:
        client = await here.client()
        client.writer.transport.pause_reading()
        await client.send(apis.request(stream=True))
        visit = await here.engine.visit(0)
        await until(lambda: visit.held_back)
        protocol = next(iter(here.state.connections))
        await until(lambda: protocol.flow.write_paused)
        await until_still(lambda: produced)
        assert produced < 50 << 20  # sockets hold megabytes, each
        assert protocol.transport.get_write_buffer_size() < 1 << 20
        client.writer.transport.resume_reading()
        answer = await soon(client.answer())
        assert (answer.status, answer.whole) == (200, True)
        assert len(answer.body) > 1_000 * 60_000


@on_loop
async def test_a_client_that_has_not_read_its_last_answer_holds_back_the_next_one_too() -> None:
    async def large(visit: Visit) -> None:
        if visit.stream:
            await visit.write(SSE_HEAD)
            while True:
                await visit.write(chunk(apis.event(visit.path, "x" * 60_000)))
        visit.respond(200, b"x" * (7 << 20))

    async with world(large) as here:
        client = await here.client()
        client.writer.transport.pause_reading()
        await client.send(apis.request())
        await client.send(apis.request(stream=True))
        visit = await here.engine.visit(1)
        await until(lambda: visit.held_back)
        protocol = next(iter(here.state.connections))
        assert protocol.transport.get_write_buffer_size() < 9 << 20
        client.vanish()
        await soon(visit.left)
