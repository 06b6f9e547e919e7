"""A probe asks for health, and for one token where that had failed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import pytest

from thunderagent.adapters.gateway.probe import probe

MODELS = b'{"data": [{"id": "m"}]}'
HEALTH, LIST, GENERATE = "/health", "/v1/models", "/v1/completions"


class Engine:
    """Answers as it is told; an endpoint that is not named is not there."""

    def __init__(self, **statuses: int) -> None:
        self.statuses = {HEALTH: 404, LIST: 200, GENERATE: 200, **{f"/{path}": status for path, status in statuses.items()}}
        self.models = MODELS
        self.asked: list[tuple[str, str]] = []
        self.body = b""

    async def fetch(
        self, backend_id: str, method: str, path: str, *, headers: Mapping[str, str], body: bytes, timeout_s: float
    ) -> tuple[int, bytes]:
        assert (backend_id, timeout_s) == ("http://engine", 5.0)
        self.asked.append((method, path))
        self.body = body
        return self.statuses[path], self.models if path == LIST else b""


def ask(engine: Engine, *, generation: bool) -> bool:
    return asyncio.run(probe(engine.fetch, "http://engine", generation=generation))


@pytest.mark.parametrize(("status", "alive"), [(200, True), (401, True), (404, True), (500, False), (503, False)])
def test_an_engine_is_alive_if_its_health_is_no_server_error(status: int, alive: bool) -> None:
    engine = Engine(health=status)
    assert ask(engine, generation=False) is alive
    assert engine.asked == [("GET", HEALTH)]


@pytest.mark.parametrize(("status", "alive"), [(200, True), (400, True), (401, True), (500, False)])
def test_one_that_had_failed_to_generate_has_to_complete_one_token(status: int, alive: bool) -> None:
    engine = Engine()
    engine.statuses[GENERATE] = status
    assert ask(engine, generation=True) is alive
    assert engine.asked == [("GET", HEALTH), ("GET", LIST), ("POST", GENERATE)]
    assert json.loads(engine.body) == {"model": "m", "prompt": "a", "max_tokens": 1}


@pytest.mark.parametrize(("status", "alive"), [(401, True), (404, True), (500, False)])
def test_an_engine_that_lists_no_models_is_asked_for_nothing_more(status: int, alive: bool) -> None:
    engine = Engine()
    engine.statuses[LIST] = status
    assert ask(engine, generation=True) is alive
    assert engine.asked == [("GET", HEALTH), ("GET", LIST)]


@pytest.mark.parametrize(
    "page", [b"", b"<html>", b"[]", b"{}", b'{"data": []}', b'{"data": null}', b'{"data": [{"id": 7}]}', b"\xff"]
)
def test_a_list_of_models_that_is_nonsense_is_none(page: bytes) -> None:
    engine = Engine()
    engine.models = page
    assert ask(engine, generation=True)
    assert (("POST", GENERATE)) not in engine.asked


def test_an_engine_that_is_down_is_not_asked_to_generate() -> None:
    engine = Engine(health=503)
    assert not ask(engine, generation=True)
    assert engine.asked == [("GET", HEALTH)]
