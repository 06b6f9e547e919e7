"""The same world with the session's own watch: engines join when they answer and leave when they die."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.adapters.gateway.reliability.behaviours import answers
from tests.adapters.gateway.reliability.fake_engine import Behaviour, FakeEngine
from tests.adapters.gateway.reliability.world import World, assert_nothing_is_open, served
from thunderagent.adapters.gateway.gateway import Gateway
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.config import ThunderConfig
from thunderagent.runtime import StepProfile
from thunderagent.serving import Routes
from thunderagent.session import Session

POLL_S = 0.02


def page(blocks: object, ranks: int = 1) -> bytes:
    """What vLLM tells of the KV cache of each rank: blocks of 16 tokens, one of which is padding."""
    lines = [
        f'vllm:cache_config_info{{block_size="16",engine="{rank}",num_gpu_blocks="{blocks}"}} 1.0\n' for rank in range(ranks)
    ]
    return "".join(lines).encode()


@asynccontextmanager
async def watched_world(
    behaviour: Behaviour = answers, *, engines: int = 1, up: bool = True, mode: str = "thunder", **settings: Any
) -> AsyncIterator[World]:
    """``up``: whether the engines listen from the beginning."""
    fakes = [await FakeEngine(behaviour).start() for _ in range(engines)]
    for engine in fakes:
        engine.metrics = page(1_001)
        if not up:
            engine.die()
    steps: list[StepProfile] = []
    session = Session(ThunderConfig(mode=mode, engine_poll_s=POLL_S), [engine.url for engine in fakes], per_rank=True)
    gateway = Gateway(
        session.runtime, session.engines, GatewaySettings(port=0, **settings), mode, route_of=Routes(session.engines)
    )
    session.listen(gateway)
    session.on_step(gateway.took_step)
    session.on_step(steps.append)
    await session.start(required=False)
    try:
        async with served(gateway) as (port, state):
            here = World(session.runtime, gateway, fakes, steps, port, state)
            yield here
    finally:
        await gateway.close()
        await session.stop()
        for engine in fakes:
            engine.die()
    assert_nothing_is_open(here)
