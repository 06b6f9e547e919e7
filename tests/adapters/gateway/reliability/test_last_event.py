"""Clients that leave with a stream's last event, before the stream's own end: SDKs do."""

from __future__ import annotations

import pytest

from tests.adapters.gateway.reliability.apis import COMPLETION_TOKENS, PATHS, PROMPT_TOKENS, event, last_events, request
from tests.adapters.gateway.reliability.behaviours import SSE_HEAD, chunk
from tests.adapters.gateway.reliability.fake_engine import Visit
from tests.adapters.gateway.reliability.world import on_loop, until, world


async def tells_all_and_stays(visit: Visit) -> None:
    """All events, and the connection is not ended."""
    await visit.write(SSE_HEAD + chunk(event(visit.path)) + chunk(last_events(visit.path)))
    await visit.left


async def tells_all_but_the_last_event(visit: Visit) -> None:
    """A usage may come with any event; it is not the end."""
    await visit.write(SSE_HEAD + chunk(event(visit.path)) + chunk(last_events(visit.path).rpartition(b"data: ")[0]))
    await visit.left


@pytest.mark.parametrize("path", PATHS)
def test_whoever_leaves_with_the_last_event_has_a_complete_turn(path: str) -> None:
    @on_loop
    async def scenario() -> None:
        async with world(tells_all_and_stays) as here:
            client = await here.client()
            await client.send(request(path, stream=True, program_id="p"), path)
            mark = b"message_stop" if path == "/v1/messages" else b"response.completed" if path == "/v1/responses" else b"[DONE]"
            await client.reader.readuntil(mark)
            client.vanish()
            await until(lambda: here.steps)
            assert [(step.outcome, step.prompt_tokens, step.completion_tokens) for step in here.steps] == [
                ("completed", PROMPT_TOKENS, COMPLETION_TOKENS)
            ]
            assert here.runtime.scheduler.counters.cancelled == 0
            await until(lambda: here.gateway.counts.open_requests == 0)

    scenario()


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/generate"])
def test_whoever_leaves_before_the_last_event_has_cancelled_the_turn(path: str) -> None:
    @on_loop
    async def scenario() -> None:
        async with world(tells_all_but_the_last_event) as here:
            client = await here.client()
            await client.send(request(path, stream=True, program_id="p"), path)
            await client.reader.readuntil(b"data: ")
            client.vanish()
            await until(lambda: here.steps)
            assert [step.outcome for step in here.steps] == ["cancelled"]

    scenario()
