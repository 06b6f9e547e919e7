"""Spans are made after the fact, with the ids that were told to engines before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from tests.adapters.otel.support import PARENT, PARENT_ID, STEP, TRACE_ID, Recorded
from thunderagent.adapters.otel import tracing

CHAT = "/v1/chat/completions"


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    made = Recorded()
    yield made
    made.close()


def test_a_turn_is_a_span_with_its_parts_below_it(recorded: Recorded) -> None:
    turn = recorded.begin(CHAT, [(b"traceparent", PARENT.encode()), (b"tracestate", b"a=1")])
    turn.asked(b'"m"')
    turn.took_step(STEP)
    turn.end(200)
    spans = recorded.spans()
    assert list(spans) == ["wait", "queue", "prefill", "decode", "chat m"]
    whole = spans.pop("chat m")
    assert whole.kind is SpanKind.SERVER
    assert whole.parent is not None and whole.context is not None
    assert (whole.context.trace_id, whole.parent.span_id) == (TRACE_ID, PARENT_ID)
    assert turn.lines == [f"traceparent: 00-{TRACE_ID:032x}-{whole.context.span_id:016x}-01".encode(), b"tracestate: a=1"]
    assert {part.parent.span_id for part in spans.values() if part.parent} == {whole.context.span_id}
    assert whole.attributes is not None
    assert (whole.attributes["gen_ai.request.model"], whole.attributes["gen_ai.conversation.id"]) == ("m", "p")
    assert whole.resource.attributes["service.name"] == "thunderagent"


def test_without_a_parent_a_trace_begins(recorded: Recorded) -> None:
    turns = [recorded.begin(CHAT, [(b"traceparent", value)]) for value in (b"", b"nonsense", b"\xff")]
    turns[0].end(200)
    (span,) = recorded.spans().values()
    assert span.parent is None and span.context is not None
    assert turns[0].lines == [f"traceparent: 00-{span.context.trace_id:032x}-{span.context.span_id:016x}-01".encode()]
    assert len({turn.own.trace_id for turn in turns}) == 3


def test_what_is_not_sampled_is_told_to_the_engine_and_makes_no_span(recorded: Recorded) -> None:
    turn = recorded.begin(CHAT, [(b"traceparent", PARENT[:-2].encode() + b"00")])
    turn.end(200)
    assert turn.lines[0].startswith(f"traceparent: 00-{TRACE_ID:032x}-".encode()) and turn.lines[0].endswith(b"-00")
    assert recorded.spans() == {}


def test_a_share_of_the_traces_is_sampled_by_the_usual_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.0")
    recorded = Recorded()
    recorded.begin(CHAT, []).end(200)
    assert recorded.spans() == {}


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [(429, "queue_full", StatusCode.UNSET), (503, "no_backend", StatusCode.ERROR), (0, None, StatusCode.UNSET)],
)
def test_a_turn_that_never_ran_is_a_span_without_parts(
    recorded: Recorded, status: int, reason: str | None, code: StatusCode
) -> None:
    turn = recorded.begin(CHAT, [])
    if reason is not None:
        turn.problem(reason)
    turn.end(status)
    (span,) = recorded.spans().values()
    assert (span.name, span.status.status_code) == ("chat", code)
    assert span.attributes is not None and span.attributes["error.type"] == (reason or "client_left")


def test_a_span_that_cannot_be_made_is_left_out_and_the_next_is_made(
    recorded: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    broken = recorded.begin(CHAT, [])
    broken.model = None  # type: ignore[assignment]
    broken.end(200)
    recorded.begin(CHAT, []).end(200)
    assert list(recorded.spans()) == ["chat"]
    assert "a span could not be made" in caplog.text


def test_turns_that_wait_for_their_spans_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "MAX_WAITING", 2)
    monkeypatch.setattr(tracing, "LOOK_S", 60.0)
    recorded = Recorded()
    for path in ("/v1/completions", CHAT, "/v1/messages"):
        turn = recorded.begin(path, [])
        turn.asked(f'"{path}"'.encode())
        turn.end(200)
    assert list(recorded.spans()) == [f"chat {CHAT}", "chat /v1/messages"]
