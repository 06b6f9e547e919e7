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
LIBRARY = logging.getLogger("opentelemetry.exporter")
"""Tells every try that fails. What the rest of the library says of its settings goes to the log as it is."""
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
            raise ConfigError("otel", f"{variable}={asked}", f"spans are exported as {PROTOCOL} (port 4318 of a collector)")
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
    """Says that spans are not taken, and when they are again. The library would say it of every try of every batch."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._library = _FirstWord()
        LIBRARY.addHandler(self._library)
        LIBRARY.propagate = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send them; those that are not taken after some tries are lost."""
        result = self._exporter.export(spans)
        if self._library.said and result is SpanExportResult.SUCCESS:
            logger.warning("spans are taken again")
            self._library.said = False
        return result

    def shutdown(self) -> None:
        """Nothing comes any more."""
        self._exporter.shutdown()
        LIBRARY.removeHandler(self._library)


class _FirstWord(logging.Handler):
    """Passes on what the library says first of a failure."""

    said = False

    def emit(self, record: logging.LogRecord) -> None:
        if not self.said:
            self.said = True
            logger.warning("spans are not taken, and lost after some tries: %s", record.getMessage())
