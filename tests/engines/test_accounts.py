"""What the gateway tells of an engine is what the engine tells of itself."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.adapters.gateway.clients.running import Running
from tests.engines.agents import Load, run
from tests.engines.real_engine import RealEngine, wait_for


def backend(gateway: Running) -> dict[str, Any]:
    """The engine, as the gateway has it."""
    return dict(gateway.get("/metrics.json")["backends"][gateway.engines[0]])


def test_the_gateway_finds_out_what_the_engine_is_and_how_much_it_can_fill(engine: RealEngine, gateway: Running) -> None:
    told = backend(gateway)

    assert told["kind"] == engine.kind.name
    assert told["cache_config"]["total_tokens_capacity"] == engine.kind.capacity_tokens(engine.get(engine.kind.info)) == 8_192
    assert told["last_problem"] is None


def test_profiles_have_just_the_cache_hits_that_the_engine_counts(engine: RealEngine, gateway: Running) -> None:
    name = engine.kind.counters.cached_tokens
    before = engine.metric(name)
    tally = asyncio.run(run(engine.kind, gateway.url, Load(agents=3, turns=4)))
    counted = engine.metric(name) - before

    profiles = [gateway.get(f"/profiles/agent-0-{i}")["steps"] for i in range(3)]
    assert [len(steps) for steps in profiles] == [4, 4, 4]
    assert sum(step["cached_tokens"] for steps in profiles for step in steps) == counted == tally.cached_tokens
    assert counted > 0
    wait_for(lambda: backend(gateway)["engine"]["prefix_hit_tokens"] == engine.metric(name))


def test_a_cache_that_was_emptied_is_noticed_with_the_next_turn_and_does_no_harm(engine: RealEngine, gateway: Running) -> None:
    prompt = list(range(10, 522))
    body = engine.kind.turn(prompt, 8)

    def turn() -> int:
        return engine.kind.read(gateway.post(engine.kind.path, body | {"program_id": "a"})).cached_tokens

    assert turn() == 0
    assert turn() >= 480  # whole blocks, and not the last token
    engine.call(engine.kind.drop_cache)
    assert turn() == 0
    assert turn() >= 480
    reprefilled = [step["reprefilled_tokens"] for step in gateway.get("/profiles/a")["steps"]]
    assert reprefilled[1] <= 32 and reprefilled[2] >= 480 and reprefilled[3] <= 32  # the last block is computed anew each time


def test_a_prompt_that_is_too_long_gets_the_engines_own_answer(engine: RealEngine, gateway: Running) -> None:
    body = json.dumps(engine.kind.turn([11] * 5_000, 4)).encode()

    def refused(url: str) -> tuple[int, bytes]:
        request = urllib.request.Request(url + engine.kind.path, body, {"content-type": "application/json"})
        with pytest.raises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(request, timeout=60)
        return raised.value.code, raised.value.read()

    status, said = refused(gateway.url)
    assert (status, said) == refused(engine.url)
    assert status == 400 and b"4096" in said
    wait_for(lambda: backend(gateway)["in_flight"] == 0)
