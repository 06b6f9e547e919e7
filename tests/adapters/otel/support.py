"""Spans that stay in memory."""

from __future__ import annotations

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from thunderagent.adapters.otel.export import provider_with
from thunderagent.adapters.otel.tracing import TurnTracing
from thunderagent.runtime import StepProfile

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE_ID, PARENT_ID = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331
STEP = StepProfile(
    program_id="p",
    step_id=2,
    prefill_s=0.5,
    decode_s=3.0,
    pause_s=4.0,
    tool_call_s=1.5,
    kv_hit_rate=0.9,
    completed_at=108.0,
    arrived_at=100.0,
    queue_s=0.25,
    prompt_tokens=1_000,
    cached_tokens=900,
    completion_tokens=7,
    reprefilled_tokens=0,
    backend="http://gpu1:8000#1",
    group="g",
    phase="train",
    outcome="completed",
)


class Recorded(TurnTracing):
    """What it would have exported is told once it is closed."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        super().__init__(provider_with(self._exporter))

    def spans(self) -> dict[str, ReadableSpan]:
        """By their names; it is closed."""
        self.close()
        found = self._exporter.get_finished_spans()
        assert len({span.name for span in found}) == len(found)
        return {span.name: span for span in found}
