"""Clients that leave, weights that change, and an engine that dies."""

from __future__ import annotations

import asyncio
import threading

from tests.adapters.gateway.clients.running import Running
from tests.engines.agents import Load, Tally, client_of, run
from tests.engines.kinds import Answer
from tests.engines.real_engine import RealEngine, wait_for

LONG_ANSWER_TOKENS = 3_000
"""Takes an engine ten seconds or more: much longer than what is done meanwhile, on a busy machine too."""


def test_a_client_that_leaves_frees_its_place(engine: RealEngine, gateway: Running) -> None:
    async def leave() -> None:
        async with client_of(engine.kind, gateway.url) as client:
            turn = asyncio.create_task(client.ask("leaves", [11] * 64, LONG_ANSWER_TOKENS))
            await asyncio.to_thread(wait_for, lambda: engine.running == 1)
            turn.cancel()

    before = engine.metric(engine.kind.counters.generated_tokens)
    asyncio.run(leave())
    wait_for(lambda: engine.running == 0)

    assert engine.metric(engine.kind.counters.generated_tokens) - before < LONG_ANSWER_TOKENS
    wait_for(lambda: gateway.programs["leaves"]["status"] == "acting")


def test_a_weight_sync_holds_turns_back_and_lets_them_go_on(engine: RealEngine, gateway: Running) -> None:
    async def sync() -> None:
        async with client_of(engine.kind, gateway.url) as client:
            running = asyncio.create_task(client.ask("runs", [11] * 64, LONG_ANSWER_TOKENS))
            await asyncio.to_thread(wait_for, lambda: engine.running == 1)
            gateway.post("/weight_sync/begin", {})
            engine.call(engine.kind.freeze)
            try:
                comes = asyncio.create_task(client.ask("comes", [12] * 64, 4))
                await asyncio.to_thread(wait_for, lambda: "comes" in gateway.programs)
                assert gateway.programs["comes"]["parked"]["reason"] == "weights are being synchronised"
                assert not running.done() and not comes.done()
            finally:
                engine.call(engine.kind.thaw)
            await running
            assert not comes.done(), "the engine goes on, the trainer has not said so"
            gateway.post("/weight_sync/end", {})
            await comes
            assert client.tally.sent_again == 0

    asyncio.run(sync())


def test_an_engine_that_is_stopped_through_the_gateway_holds_turns_back(engine: RealEngine, gateway: Running) -> None:
    prompt = list(range(10, 330))

    async def stop() -> tuple[Answer, Answer]:
        async with client_of(engine.kind, gateway.url) as client:
            first = await client.ask("a", prompt, 8)
            gateway.post(engine.kind.freeze.path, engine.kind.freeze.body or {})
            try:
                comes = asyncio.create_task(client.ask("a", [*prompt, *first.token_ids], 8))
                await asyncio.to_thread(wait_for, lambda: gateway.programs["a"]["parked"] is not None)
                assert not comes.done() and engine.running == 0
            finally:
                gateway.post(engine.kind.thaw.path, engine.kind.thaw.body or {})
            second = await comes
            assert client.tally.sent_again == 0
            return first, second

    first, second = asyncio.run(stop())

    assert first.cached_tokens == 0
    assert second.cached_tokens >= 320 if engine.kind.keeps_cache_frozen else second.cached_tokens == 0


def test_agents_survive_an_engine_that_is_killed_and_comes_back(engine: RealEngine, gateway: Running) -> None:
    load = Load(agents=5, turns=6, seed=1)
    fails = threading.Event()

    def fail_after_some(tally: Tally) -> None:
        if len(tally.answers) == 12:
            fails.set()

    def kill_and_start() -> None:
        assert fails.wait(120)
        engine.kill()
        engine.start()

    async def go_through_it() -> Tally:
        tally, _ = await asyncio.gather(run(engine.kind, gateway.url, load, fail_after_some), asyncio.to_thread(kill_and_start))
        return tally

    tally = asyncio.run(go_through_it())

    assert len(tally.answers) == 30
    steps = [step for i in range(5) for step in gateway.get(f"/profiles/agent-1-{i}")["steps"] if step["outcome"] == "completed"]
    assert len(steps) == 30
    came_back = [step for step in steps if step["step_id"] > 1 and step["cached_tokens"] <= load.shared_tokens]
    assert len(came_back) >= 4, "each finds at most the shared start in the new cache"
    assert all(step["reprefilled_tokens"] > 200 for step in came_back)
