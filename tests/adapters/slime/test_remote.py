"""A router of ours is told of programs by slime's own client."""

from __future__ import annotations

import asyncio

from tests.adapters.slime.support import World
from tests.adapters.slime.test_hosts import opened
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.slime import generate
from thunderagent.config import ThunderConfig
from thunderagent.embedded import EmbeddedGateway


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
