"""Where spans go: OTLP over HTTP, by OpenTelemetry's own variables. What fails there is said once."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from thunderagent.adapters.otel.ids import ChosenIds
from thunderagent.errors import ConfigError

logger = logging.getLogger(__name__)
PROTOCOL = "http/protobuf"
PROTOCOL_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
"""The first that is set counts."""


def provider_of_environment() -> TracerProvider:
    """Sampler, resource, batches and exporter as ``OTEL_*`` say; the service is called thunderagent unless they name it.

    Raises:
        ConfigError: another protocol is asked for.
    """
    for variable in PROTOCOL_VARIABLES:
        asked = os.environ.get(variable, "").strip()
        if asked and asked != PROTOCOL:
            raise ConfigError(variable, asked, f"spans are exported as {PROTOCOL} (port 4318 of a collector)")
        if asked:
            break
    return provider_with(SayingOnce(OTLPSpanExporter()))


def provider_with(exporter: SpanExporter) -> TracerProvider:
    """The same with another exporter."""
    resource = Resource.create()
    if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
        resource = resource.merge(Resource({SERVICE_NAME: "thunderagent"}))
    provider = TracerProvider(resource=resource, id_generator=ChosenIds(), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


class SayingOnce(SpanExporter):
    """Says that spans are not taken, and when they are again. The library would say it of every batch, several times."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._failing = False
        self._library = _LastWord()
        library = logging.getLogger("opentelemetry")
        library.addHandler(self._library)
        library.propagate = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send them; those that are not taken are lost."""
        result = self._exporter.export(spans)
        failing = result is not SpanExportResult.SUCCESS
        if failing and not self._failing:
            logger.warning("spans are lost until they are taken again: %s", self._library.said)
        elif self._failing and not failing:
            logger.warning("spans are taken again")
        self._failing = failing
        return result

    def shutdown(self) -> None:
        """Nothing comes any more."""
        self._exporter.shutdown()


class _LastWord(logging.Handler):
    """What a library has said last."""

    said = "no reason was told"

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            self.said = record.getMessage()
