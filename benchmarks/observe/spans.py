"""What spans cost: on the event loop while a turn runs, and afterwards in the thread that makes them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from benchmarks.report import Figure
from thunderagent.adapters.otel.export import provider_with
from thunderagent.adapters.otel.tracing import TurnTracing
from thunderagent.runtime import StepProfile

TURNS = 10_000
HEADERS = [(b"host", b"gateway"), (b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
STEP = StepProfile(
    *("p", 2, 0.5, 3.0, 4.0, 1.5, 0.9, 108.0, 100.0, 0.25, 1_000, 900, 7, 0, "http://10.0.0.1:8000", "g", "train", "completed")
)


class _Nowhere(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Gone."""
        return SpanExportResult.SUCCESS


def measure(quick: bool) -> dict[str, Figure]:
    """Both, without what sending them takes."""
    turns = TURNS // 10 if quick else TURNS
    tracing = TurnTracing(provider_with(_Nowhere()))
    began_s, all_s = time.thread_time(), time.process_time()
    for _ in range(turns):
        turn = tracing.begin("/v1/chat/completions", HEADERS)
        turn.asked(b'"m"')
        turn.took_step(STEP)
        turn.end(200)
    loop_s = time.thread_time() - began_s
    tracing.close()
    all_s = time.process_time() - all_s
    return {
        "span_cpu_on_the_loop": Figure(1e6 * loop_s / turns, "us"),
        "span_cpu_of_all_threads": Figure(1e6 * all_s / turns, "us"),
    }
