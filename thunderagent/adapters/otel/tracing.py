"""A span for each turn. While it runs only its ids are chosen; spans are made afterwards, in a thread of their own."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from importlib import metadata

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from thunderagent.adapters.otel.ids import ChosenIds
from thunderagent.adapters.otel.turn import attributes_of_request, attributes_of_step, model_of, operation_of, parts_of
from thunderagent.runtime import StepProfile

logger = logging.getLogger(__name__)
LOOK_S = 0.5
"""Between two looks at the turns that have ended: a thread that is woken for each would disturb the event loop more."""
MAX_WAITING = 20_000
"""Turns whose spans are not made yet, some seconds of the busiest gateway; then the oldest are dropped."""
CLOSE_S = 5.0
"""For the last spans. A collector that does not answer must not hold back the gateway's end."""
W3C, RANDOM = TraceContextTextMapPropagator(), RandomIdGenerator()


class TurnTrace:
    """Of one generating request. What is told of it is kept for its spans."""

    __slots__ = ("_done", "began_ns", "context", "ended_ns", "endpoint", "lines", "model", "own", "reason", "status", "step")

    def __init__(self, endpoint: str, context: Context, own: SpanContext, done: deque[TurnTrace]) -> None:
        """``context``: of the parent; ``own``: what its span will be called."""
        self.endpoint, self.context, self.own = endpoint, context, own
        self._done = done
        self.began_ns, self.ended_ns = time.time_ns(), 0
        self.model, self.status = b"", 0
        self.reason: str | None = None
        self.step: StepProfile | None = None
        carrier: dict[str, str] = {}
        W3C.inject(carrier, set_span_in_context(NonRecordingSpan(own)))
        self.lines = [f"{name}: {value}".encode() for name, value in carrier.items()]
        """Headers for the engine, without line ends."""

    def asked(self, model: bytes) -> None:
        """The request has been read; ``model``: as JSON."""
        self.model = model

    def took_step(self, step: StepProfile) -> None:
        """Its turn is over."""
        self.step = step

    def problem(self, reason: str) -> None:
        """The gateway answers it itself."""
        self.reason = reason

    def end(self, status: int) -> None:
        """It is over."""
        self.status, self.ended_ns = status, time.time_ns()
        if self.own.trace_flags.sampled:
            self._done.append(self)


class TurnTracing:
    """Makes spans (``gateway.tracing.Tracing``)."""

    def __init__(self, provider: TracerProvider) -> None:
        """``provider``: its ids are ``ChosenIds``. It is shut down with this."""
        assert isinstance(provider.id_generator, ChosenIds)
        self._provider, self._ids = provider, provider.id_generator
        self._tracer = provider.get_tracer("thunderagent", metadata.version("thunderagent"))
        self._done: deque[TurnTrace] = deque(maxlen=MAX_WAITING)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="spans", daemon=True)
        self._thread.start()

    def begin(self, endpoint: str, headers: Sequence[tuple[bytes, bytes]]) -> TurnTrace:
        """A request is here: below the span that it names, or the first of a new trace."""
        named = {name.decode(): value.decode("latin-1") for name, value in headers if name in (b"traceparent", b"tracestate")}
        context = W3C.extract(named, Context())
        parent = trace.get_current_span(context).get_span_context()
        trace_id = parent.trace_id if parent.is_valid else RANDOM.generate_trace_id()
        sampled = self._provider.sampler.should_sample(context, trace_id, operation_of(endpoint), SpanKind.SERVER)
        flags = TraceFlags(TraceFlags.SAMPLED if sampled.decision is Decision.RECORD_AND_SAMPLE else TraceFlags.DEFAULT)
        own = SpanContext(
            trace_id, RANDOM.generate_span_id(), is_remote=False, trace_flags=flags, trace_state=sampled.trace_state
        )
        return TurnTrace(endpoint, context, own, self._done)

    def close(self) -> None:
        """Make and send the last spans, as far as that works in time."""
        self._closing.set()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while not self._closing.wait(LOOK_S):
            self._make_all()
        self._make_all()
        self._provider.shutdown()

    def _make_all(self) -> None:
        while self._done:
            try:
                self._make(self._done.popleft())
            except Exception:  # spans must never end the thread
                logger.exception("a span could not be made")

    def _make(self, turn: TurnTrace) -> None:
        attributes = attributes_of_request(turn.endpoint, turn.status, turn.reason)
        model = model_of(turn.model)
        name = operation_of(turn.endpoint)
        if model is not None:
            name, attributes["gen_ai.request.model"] = f"{name} {model}", model
        step = turn.step
        if step is not None:
            attributes |= attributes_of_step(step)
        self._ids.choose(turn.own.trace_id, turn.own.span_id)
        span = self._tracer.start_span(name, turn.context, SpanKind.SERVER, attributes, start_time=turn.began_ns)
        if turn.status >= 500 or (step is not None and step.outcome in ("failed", "lost")):
            span.set_status(Status(StatusCode.ERROR))
        if step is not None:
            below = set_span_in_context(span)
            for part in parts_of(step):
                self._tracer.start_span(part.name, below, start_time=part.begins_ns).end(part.ends_ns)
        span.end(turn.ended_ns)
