"""``thunderagent serve --otel``, as a process: what it is told by the environment, and the last spans at its end."""

from __future__ import annotations

import pytest

from tests.adapters.gateway.clients.running import embedded_engine, gateway_before
from tests.adapters.otel.test_export import collector


def test_spans_of_all_turns_have_come_when_the_gateway_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    with collector() as server, embedded_engine() as engine:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.url)
        with gateway_before(engine, options=("--otel",)) as gateway:
            body = {"model": "simulated", "messages": [{"role": "user", "content": "hello"}], "program_id": "p", "max_tokens": 4}
            gateway.post("/v1/chat/completions", body)
            gateway.post("/v1/chat/completions", {**body, "stream": True}, stream=True)
        assert {"chat simulated", "engine", "prefill", "decode"} <= server.names
