"""What the events of an engine's KV cache tell of a program is what its next turn finds."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Iterator

import aiohttp
import pytest

from tests.adapters.gateway.reliability.process import free_port
from tests.engines.agents import TOKENS
from tests.engines.kinds import Answer, Vllm
from tests.engines.real_engine import RealEngine, missing, wait_for
from thunderagent.adapters.engines.kv_events import EventPorts, KvEventWatch
from thunderagent.runtime import StepProfile

BLOCK_TOKENS = 32
AGENTS, TURNS = 12, 8
"""Together twice what the KV cache holds."""


@pytest.fixture(scope="module", params=[Vllm()], ids=["vllm"])
def engine(request: pytest.FixtureRequest) -> Iterator[RealEngine]:
    if what := missing(request.param):
        pytest.skip(what)
    ports = {"endpoint": f"tcp://*:{free_port()}", "replay_endpoint": f"tcp://*:{free_port()}"}
    events = {"enable_kv_cache_events": True, "publisher": "zmq", **ports}
    started = RealEngine(request.param, "--kv-events-config", json.dumps(events))
    try:
        started.start()
        yield started
    finally:
        started.kill()


class Agents:
    """Ask the engine themselves; the watch is told of their turns as by a runtime."""

    def __init__(self, engine: RealEngine, http: aiohttp.ClientSession, *, named: bool) -> None:
        self.engine, self.http, self.named = engine, http, named
        self.told: dict[str, int | None] = {}
        self.cleared = 0
        self.turns: list[tuple[int | None, int]] = []
        """What was told to be there when a turn ran, and what was found."""
        config = json.loads(engine.options[1])
        ports = (config[name].rpartition(":")[2] for name in ("endpoint", "replay_endpoint"))
        self.watch = KvEventWatch(EventPorts(*ports), on_resident=self._tell, on_cleared=self._clear)
        self.watch.joined(engine.url)

    def _tell(self, program: str, backend: str, tokens: int | None) -> bool:
        self.told[program] = tokens
        return True

    def _clear(self, backend: str) -> None:
        self.told.clear()
        self.cleared += 1

    async def turn(self, program: str, prompt: list[int], answer_tokens: int) -> Answer:
        """Blocks that it finds stay until it is over, so what was told last then was there when it began."""
        came_s = time.time()
        headers = {"X-Session-ID": program} if self.named else {}
        body = self.engine.kind.turn(prompt, answer_tokens)
        async with self.http.post(self.engine.url + self.engine.kind.path, json=body, headers=headers) as response:
            answer = self.engine.kind.read(await response.json())
        ended_s, told = time.time(), self.told.pop(program, None)
        findable = (len(prompt) - 1) // BLOCK_TOKENS * BLOCK_TOKENS
        self.turns.append((None if told is None else min(told, findable), answer.cached_tokens))
        times = (None, None, 0.0, 0.0, None, ended_s, came_s, None)
        counts = (answer.prompt_tokens, answer.cached_tokens, answer_tokens, None)
        self.watch.took_step(StepProfile(program, 1, *times, *counts, self.engine.url, "", "", "completed"))
        return answer

    async def agent(self, number: int) -> None:
        draw = random.Random(number)
        context = random.Random(0).choices(TOKENS, k=128) + draw.choices(TOKENS, k=draw.randint(100, 400))
        for _ in range(TURNS):
            answer_tokens = draw.randint(5, 100)
            answer = await self.turn(f"agent-{number}-{self.named}", context, answer_tokens)
            await asyncio.sleep(draw.expovariate(5))
            context = context + answer.token_ids + draw.choices(TOKENS, k=draw.randint(20, 150))


def test_of_named_sessions_all_is_known_and_true_though_the_cache_is_too_small(engine: RealEngine) -> None:
    async def scenario() -> None:
        async with aiohttp.ClientSession() as http:
            agents = Agents(engine, http, named=True)
            await asyncio.sleep(1.0)  # subscribed
            await asyncio.gather(*(agents.agent(number) for number in range(AGENTS)))
            agents.watch.close()
        later = agents.turns[AGENTS:]
        assert any(found == 128 for _, found in later), "nothing was evicted, so nothing was tested"
        assert [(told, found) for told, found in later if told is not None and told != found] == []
        assert sum(told is None for told, _ in later) <= len(later) // 10

    asyncio.run(scenario())


def test_an_engine_that_was_told_to_drop_its_cache_says_so(engine: RealEngine) -> None:
    async def scenario() -> None:
        async with aiohttp.ClientSession() as http:
            agents = Agents(engine, http, named=True)
            await asyncio.sleep(1.0)  # subscribed
            await agents.turn("p", list(TOKENS)[:200], 20)
            await asyncio.to_thread(wait_for, lambda: agents.told.get("p") == 192)
            await asyncio.to_thread(engine.call, engine.kind.drop_cache)
            await agents.turn("q", list(TOKENS)[:200], 20)
            await asyncio.to_thread(wait_for, lambda: agents.told.get("q") == 192)
            assert agents.told == {"q": 192}
            assert agents.turns == [(None, 0), (None, 0)]
            agents.watch.close()

    asyncio.run(scenario())
