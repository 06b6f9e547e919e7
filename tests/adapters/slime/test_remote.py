"""A router of ours is told of programs by slime's own client."""

from __future__ import annotations

import asyncio

import pytest

from tests.adapters.slime.support import World
from tests.adapters.slime.test_hosts import opened
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.slime import generate, hosts
from thunderagent.config import ThunderConfig
from thunderagent.embedded import EmbeddedGateway
from thunderagent.errors import ConfigError


def test_a_sample_is_released_there(world: World) -> None:
    from slime.utils.http_utils import init_http_client
    from slime.utils.types import Sample

    engine = world.engine()
    router = EmbeddedGateway(ThunderConfig(), GatewaySettings(port=0), [engine.url])
    args = world.args(sglang_router_port=int(router.start().rpartition(":")[2]))
    init_http_client(args)
    try:
        sample = asyncio.run(generate(args, Sample(prompt="hi", session_id="a", group_index=1), {"max_new_tokens": 64}))
        assert sample.status is Sample.Status.COMPLETED
        assert opened(args).alive
        counters = router.call(lambda serving: serving.session.runtime.scheduler.counters)
        assert (counters.turns, counters.released) == (1, 1)
        assert router.call(lambda serving: len(serving.session.runtime.scheduler.programs)) == 0
    finally:
        router.stop()


def test_two_jobs_share_a_gateway_beside_slimes_router(world: World) -> None:
    from slime.utils.http_utils import init_http_client
    from slime.utils.types import Sample

    engine = world.engine()
    gateway = EmbeddedGateway(ThunderConfig(), GatewaySettings(port=0), [engine.url])
    url = gateway.start()
    try:

        async def jobs() -> None:
            for job in ("one", "two"):
                hosts.close_all()  # each job has a process of its own
                args = world.args(thunder={"gateway": url, "job": job})
                init_http_client(args)
                given = (await asyncio.to_thread(opened, args)).args_for(args, "train/1/a")
                assert given.sglang_router_port.endswith(f"/p/{job}%2Ftrain%2F1%2Fa")
                sample = Sample(prompt="hi", session_id="a", group_index=1)
                assert (await generate(args, sample, {"max_new_tokens": 64})).status is Sample.Status.COMPLETED

        asyncio.run(jobs())
        counters = gateway.call(lambda serving: serving.session.runtime.scheduler.counters)
        assert (counters.turns, counters.released) == (2, 2)
        assert world.routed == 0
        later = world.engine()  # which the gateway was not told, and nobody may add
        with pytest.raises(ConfigError, match=f"does not know the engine {later.url}, and does not take it in"):
            hosts.close_all()
            opened(world.args(thunder={"gateway": url}))
    finally:
        gateway.stop()


def test_nobody_there_is_told_in_words(world: World) -> None:
    world.engine()
    with pytest.raises(ConfigError, match=r"thunder\.gateway=http://127\.0\.0\.1:9: no gateway answers there"):
        opened(world.args(thunder={"gateway": "http://127.0.0.1:9"}))
