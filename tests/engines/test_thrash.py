"""What it is all about: agents whose contexts do not fit together."""

from __future__ import annotations

import asyncio

from tests.adapters.gateway.clients.running import Running
from tests.engines.agents import Load, run
from tests.engines.real_engine import RealEngine

LOAD = Load(agents=16, turns=6)
"""Contexts of 450 tokens at first and 1,150 at the end: 16 of them are more than twice the cache."""


def test_agents_thrash_the_engine_alone_and_do_not_with_thunder(engine: RealEngine, gateway: Running) -> None:
    alone = asyncio.run(run(engine.kind, engine.url, LOAD))
    engine.call(engine.kind.drop_cache)
    scheduled = asyncio.run(run(engine.kind, gateway.url, LOAD))

    assert len(alone.answers) == len(scheduled.answers) == LOAD.agents * LOAD.turns
    assert alone.hit_rate < 0.45, (alone.hit_rate, scheduled.hit_rate)
    assert scheduled.hit_rate > 0.6, (alone.hit_rate, scheduled.hit_rate)
