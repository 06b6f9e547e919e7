"""More than fits, sent past the scheduler: the engine preempts, and every answer is whole."""

from __future__ import annotations

import asyncio

from tests.adapters.gateway.clients.running import gateway_before
from tests.engines.agents import Load, run
from tests.engines.real_engine import RealEngine, wait_for


def test_preempted_turns_are_counted_as_the_engine_counts_them_and_end_whole(engine: RealEngine) -> None:
    engine.call(engine.kind.drop_cache)
    before = engine.preemptions
    with gateway_before(engine.url, options=("--router", "default")) as gateway:
        load = Load(agents=16, turns=1, seed=2, shared_tokens=0, first_tokens=300, answer_tokens=(400, 400))
        tally = asyncio.run(run(engine.kind, gateway.url, load))
        wait_for(lambda: gateway.get("/metrics.json")["backends"][engine.url]["engine"]["preemptions"] == engine.preemptions)

    assert [len(answer.token_ids) for answer in tally.answers] == [400] * 16
    assert engine.preemptions > before
