"""Gateways on two hosts, their scheduler on a third, and a cut between them."""

from __future__ import annotations

import asyncio
import time

from tests.hosts.cluster import Cluster, Service, is_whole, until

PASSES_THROUGH_WITHIN_S = 5.0 + 2.0 + 3.0
"""Silence, the grace for a scheduler that is started again, and room for a busy machine."""


def test_gateways_that_are_cut_from_their_scheduler_pass_turns_through_and_come_back(cluster: Cluster) -> None:
    async def scenario() -> None:
        scheduler, gateways = await cluster.start_apart()
        placed = {(await cluster.turn("shared", gateway=gateway)).headers["x-thunder-backend"] for gateway in gateways}
        assert len(placed) == 1  # one scheduler knows where its KV cache is
        running = [
            asyncio.create_task(cluster.turn(f"running-{number}", 10.0, stream=number % 2 == 0, gateway=gateway))
            for number, gateway in enumerate(gateways * 2)
        ]
        await until(lambda: runs(cluster, 4))

        scheduler.host.cut()
        began_s = time.monotonic()
        answers = await asyncio.gather(*(cluster.turn(f"new-{gateway.url}", gateway=gateway) for gateway in gateways))
        assert [answer.status for answer in answers] == [200, 200]
        assert time.monotonic() - began_s < PASSES_THROUGH_WITHIN_S
        assert [(await ready(cluster, gateway))["scheduler"] for gateway in gateways] == ["lost", "lost"]

        scheduler.host.plug()
        for gateway in gateways:
            await until(lambda gateway=gateway: is_back(cluster, gateway))  # type: ignore[misc]
        ended = await asyncio.gather(*running)  # they have noticed nothing
        assert [answer.status for answer in ended] == [200] * 4
        assert all(is_whole(answer) for answer in ended[::2])
        placed = {(await cluster.turn("shared", gateway=gateway)).headers["x-thunder-backend"] for gateway in gateways}
        assert len(placed) == 1
        await cluster.until_nothing_is_left()

    asyncio.run(scenario())


async def ready(cluster: Cluster, gateway: Service) -> dict[str, str]:
    return dict(await cluster.get("/ready", gateway=gateway))


async def is_back(cluster: Cluster, gateway: Service) -> bool:
    return (await ready(cluster, gateway)).get("scheduler") != "lost"


async def runs(cluster: Cluster, turns: int) -> bool:
    return (await cluster.left())["running"] == turns
