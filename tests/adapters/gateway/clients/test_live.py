"""``/live`` of the gateway as a user starts it, over its own HTTP protocol."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

from tests.adapters.gateway.clients.running import Running, gateway_before


def watch(gateway: Running) -> Any:
    return urllib.request.urlopen(f"{gateway.url}/live?interval_s=0.1", timeout=10)


def first_event(stream: Any) -> Any:
    line = next(line for line in stream if line.startswith(b"data: "))
    return json.loads(line[6:])


def test_events_come_while_requests_are_answered(gateway: Running, program: str) -> None:
    with watch(gateway) as stream:
        assert first_event(stream)["mode"] == "thunder"
        asked = {"model": "simulated", "messages": [{"role": "user", "content": "hello"}], "program_id": program}
        gateway.post("/v1/chat/completions", asked)
        while not any(seen["id"] == program for seen in first_event(stream)["programs"]):
            pass
    gateway.post("/programs/release", {"program_id": program})


def test_who_watches_does_not_keep_a_gateway_up_that_is_to_stop(engine: str) -> None:
    with gateway_before(engine) as gateway:
        stream = watch(gateway)
        first_event(stream)
        begin_s = time.monotonic()
    assert time.monotonic() - begin_s < 10  # it would drain for three minutes
    assert b'"draining":true' in stream.read()
