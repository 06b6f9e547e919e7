"""Ids of spans that were told to others before the spans are made."""

from __future__ import annotations

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator


class ChosenIds(RandomIdGenerator):
    """Gives the chosen ids once, else random ones. For one thread that makes spans."""

    def __init__(self) -> None:
        self._trace_id: int | None = None
        self._span_id: int | None = None

    def choose(self, trace_id: int, span_id: int) -> None:
        """For the next span; its parent's trace goes before."""
        self._trace_id, self._span_id = trace_id, span_id

    def generate_trace_id(self) -> int:
        """128 bits."""
        chosen, self._trace_id = self._trace_id, None
        return super().generate_trace_id() if chosen is None else chosen

    def generate_span_id(self) -> int:
        """64 bits."""
        chosen, self._span_id, self._trace_id = self._span_id, None, None
        return super().generate_span_id() if chosen is None else chosen
