"""The gateway is told how to reach each backend by what the engine watch has seen."""

from __future__ import annotations

import json
from dataclasses import replace

from thunderagent.adapters.engines.engine import Call, Http
from thunderagent.adapters.engines.reading import EngineKind, PriorityOrder, Rank, Reading
from thunderagent.adapters.gateway.routes import AbortCall, Route
from thunderagent.serving import Routes

URL = "http://gpu1:8000"
READING = Reading(EngineKind.VLLM, (Rank(0, 1_000),))


class FakeEngine:
    """Aborts requests as SGLang does, or not at all."""

    def __init__(self, kind: EngineKind) -> None:
        self.kind = kind

    async def read(self, http: Http) -> Reading:
        return READING

    def abort(self, request_id: str) -> Call | None:
        return Call("/abort_request", {"rid": request_id}) if self.kind is EngineKind.SGLANG else None

    def drop_cache(self) -> Call:
        return Call("/flush_cache")


class FakeWatch:
    def __init__(self) -> None:
        self.readings: dict[str, Reading] = {}
        self.engines: dict[str, FakeEngine] = {}

    def reading(self, url: str) -> Reading | None:
        return self.readings.get(url)

    def engine(self, url: str) -> FakeEngine | None:
        return self.engines.get(url)


def test_an_engine_that_was_never_seen_gets_what_clients_send() -> None:
    assert Routes(FakeWatch())(URL) == Route(URL)


def test_a_rank_is_named_to_its_engine() -> None:
    route = Routes(FakeWatch())(f"{URL}#2")
    assert (route.url, route.rank) == (URL, 2)


def test_priorities_follow_what_the_engine_tells_now() -> None:
    watch = FakeWatch()
    route_of = Routes(watch)
    signs = []
    for order in (None, PriorityOrder.LOWER_FIRST, PriorityOrder.HIGHER_FIRST, None):
        watch.readings[URL] = replace(READING, priority=order)
        signs.append(route_of(URL).priority_sign)
        assert route_of(URL) is route_of(URL)
    assert signs == [0, 1, -1, 0]


def test_requests_are_aborted_as_the_engine_says_or_by_closing_their_connection() -> None:
    watch = FakeWatch()
    watch.engines[URL] = FakeEngine(EngineKind.VLLM)
    assert Routes(watch)(URL).abort is None
    route_of = Routes(watch)
    watch.engines[URL] = FakeEngine(EngineKind.SGLANG)
    abort = route_of(URL).abort
    assert abort is not None
    path, body = abort("thunder-1")
    assert AbortCall(path, body).path == b"/abort_request"
    assert json.loads(body) == {"rid": "thunder-1"}
