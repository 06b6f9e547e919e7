"""Spans reach a collector as OTLP over HTTP; one that is not there is said once and holds nothing back."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from tests.adapters.otel.support import STEP
from thunderagent.adapters.otel import open_tracing, tracing
from thunderagent.adapters.otel.export import SayingOnce
from thunderagent.errors import ConfigError


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP."""

    def __init__(self) -> None:
        self.got: list[ExportTraceServiceRequest] = []
        self.paths: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def names(self) -> set[str]:
        """Of the spans that have come."""
        return {s.name for got in self.got for one in got.resource_spans for scope in one.scope_spans for s in scope.spans}


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        request = ExportTraceServiceRequest()
        request.ParseFromString(self.rfile.read(int(self.headers["content-length"])))
        self.server.got.append(request)
        self.server.paths.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@contextmanager
def collector() -> Iterator[Collector]:
    with Collector() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_spans_reach_the_collector_that_the_variables_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with collector() as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.url)
        monkeypatch.setenv("OTEL_SERVICE_NAME", "agents")
        spans = open_tracing()
        turn = spans.begin("/v1/messages", [])
        turn.took_step(STEP)
        turn.end(200)
        spans.close()
        assert server.paths == ["/v1/traces"]
        assert server.names == {"chat", "wait", "queue", "prefill", "decode"}
        resource = {a.key: a.value.string_value for a in server.got[0].resource_spans[0].resource.attributes}
        assert resource["service.name"] == "agents"


class Log(logging.Handler):
    """What reaches the user."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


@pytest.fixture
def log() -> Iterator[Log]:
    log, root = Log(), logging.getLogger()
    root.addHandler(log)
    library = logging.getLogger("opentelemetry.exporter")
    handlers, propagate = list(library.handlers), library.propagate
    yield log
    root.removeHandler(log)
    library.handlers, library.propagate = handlers, propagate


def test_a_collector_that_is_not_there_does_not_hold_back_the_end(monkeypatch: pytest.MonkeyPatch, log: Log) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(tracing, "CLOSE_S", 1.0)
    spans = open_tracing()
    spans.begin("/v1/messages", []).end(200)
    began_s = time.monotonic()
    spans.close()
    assert time.monotonic() - began_s < 10
    (said,) = log.said
    assert "spans are not taken" in said and "refused" in said


class Moody(SpanExporter):
    """Takes what it is told to take."""

    def __init__(self, *moods: bool) -> None:
        self._moods = iter(moods)

    def export(self, spans: object) -> SpanExportResult:
        if next(self._moods):
            return SpanExportResult.SUCCESS
        logging.getLogger("opentelemetry.exporter").error("the collector is down")
        return SpanExportResult.FAILURE


def test_a_failure_is_said_once_and_so_is_its_end(log: Log) -> None:
    exporter = SayingOnce(Moody(True, False, False, False, True, True, False))
    for _ in range(7):
        exporter.export([])
    lost = "spans are not taken, and lost after some tries: the collector is down"
    assert log.said == [lost, "spans are taken again", lost]


def test_another_protocol_than_http_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with pytest.raises(ConfigError, match=r"otel=OTEL_EXPORTER_OTLP_PROTOCOL=grpc: .*http/protobuf"):
        open_tracing()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf")
    open_tracing().close()


def test_what_is_to_be_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "thunderagent.adapters.otel.export", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(ConfigError, match=r"thunderagent\[otel\]"):
        open_tracing()
