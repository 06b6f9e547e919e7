"""An engine that moves to another host."""

from __future__ import annotations

import asyncio
import time

from tests.hosts.cluster import Cluster, until


def test_an_engine_moves_to_a_new_address_without_a_turn_being_lost(cluster: Cluster) -> None:
    async def scenario() -> None:
        await cluster.start(engines=1)
        (old,) = cluster.engines
        new = cluster.start_engine(cluster.network.host())
        running = asyncio.create_task(cluster.turn("program", 4.0))
        await until(lambda: runs(cluster))
        await new.until_up()
        assert await cluster.manage("POST", "/workers", url=new.url) == 201
        await cluster.until_up(old.url, new.url)
        assert await cluster.manage("DELETE", "/workers", url=old.url) == 202

        assert (await running).headers["x-thunder-backend"] == old.url
        assert (await cluster.turn("program")).headers["x-thunder-backend"] == new.url
        await cluster.until_up(new.url)
        await cluster.until_nothing_is_left()
        assert old.connections(cluster.gateway.host) == 0

    asyncio.run(scenario())


def test_an_address_that_moves_to_another_host_takes_its_turns_along(cluster: Cluster) -> None:
    """What the old host was doing is lost; the connection to it says nothing, as the new one is not asked anything on it."""

    async def scenario() -> None:
        await cluster.start("--peer-timeout", "4s", engines=1)
        (old,) = cluster.engines
        spare = cluster.network.host()
        spare.namespace.sysctl("ipv4/ip_nonlocal_bind", 1)
        new = cluster.start_engine(spare, address=old.host.address)
        await new.until_up()
        assert (await cluster.turn("program")).status == 200
        running = asyncio.create_task(cluster.turn("program", 3.0))
        await until(lambda: runs(cluster))

        spare.take_over(old.host)
        began_s = time.monotonic()
        assert (await running).status == 200
        assert time.monotonic() - began_s < 4.0 + 3.0 + 2.0
        assert (await cluster.turn("program")).status == 200
        await cluster.until_up(new.url)
        await cluster.until_nothing_is_left()

    asyncio.run(scenario())


async def runs(cluster: Cluster) -> bool:
    return (await cluster.left())["running"] == 1
