"""Requests are traced: the engine's spans come below ours, ours below the client's."""

from __future__ import annotations

import pytest

from tests.adapters.gateway.reliability import apis
from tests.adapters.gateway.reliability.behaviours import answers
from tests.adapters.gateway.reliability.world import World, on_loop, world
from tests.adapters.otel.support import PARENT, PARENT_ID, TRACE_ID, Recorded

HEADERS = f"traceparent: {PARENT}\r\ntracestate: a=1\r\n"


def told(here: World) -> list[tuple[str, str]]:
    """The trace headers that reached the engine."""
    return [(visit.headers.get("traceparent", ""), visit.headers.get("tracestate", "")) for visit in here.engine.visits]


@on_loop
async def test_without_spans_of_our_own_the_client_s_trace_goes_on_to_the_engine() -> None:
    async with world() as here:
        await here.ask(headers=HEADERS)
        assert told(here) == [(PARENT, "a=1")]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", apis.PATHS)
def test_a_turn_s_span_is_between_the_client_s_and_the_engine_s(path: str, stream: bool) -> None:
    @on_loop
    async def scenario() -> None:
        tracing = Recorded()
        async with world(tracing=tracing) as here:
            answer = await here.ask(path, stream=stream, program_id="p", headers=HEADERS)
            assert answer.status == 200
            engine = told(here)
        spans = tracing.spans()
        (turn,) = [span for span in spans.values() if span.parent is not None and span.parent.span_id == PARENT_ID]
        assert turn.context is not None and turn.attributes is not None
        assert turn.context.trace_id == TRACE_ID
        assert engine == [(f"00-{TRACE_ID:032x}-{turn.context.span_id:016x}-01", "a=1")]
        assert turn.attributes["http.route"] == path
        assert turn.attributes["gen_ai.conversation.id"] == "p"
        assert turn.attributes["http.response.status_code"] == 200
        assert "decode" in spans if stream else "engine" in spans

    scenario()


@on_loop
async def test_a_request_that_is_refused_has_a_span_and_says_why() -> None:
    tracing = Recorded()
    async with world(engines=0, tracing=tracing) as here:
        assert (await here.ask()).status == 503
    (span,) = tracing.spans().values()
    assert span.attributes is not None
    assert (span.attributes["error.type"], span.attributes["http.response.status_code"]) == ("no_backend", 503)


@on_loop
async def test_requests_at_the_same_time_keep_their_own_spans() -> None:
    import asyncio

    tracing = Recorded()
    async with world(answers, tracing=tracing) as here:
        await asyncio.gather(*(here.ask(program_id=f"p{n}", model=f"m{n}") for n in range(20)))
    tracing.close()
    turns = [span for span in tracing._exporter.get_finished_spans() if span.parent is None]
    ids = [(str(span.attributes["gen_ai.conversation.id"]), span.name) for span in turns if span.attributes is not None]
    assert sorted(ids) == sorted((f"p{n}", f"chat m{n}") for n in range(20))
