"""The clients' host is cut off: their turns must not hold engines and places in the line for ever."""

from __future__ import annotations

import asyncio

from tests.hosts.cluster import Cluster, Service, body, until


def test_turns_of_a_client_that_is_cut_off_are_withdrawn_wherever_they_are_and_the_engine_is_told(cluster: Cluster) -> None:
    async def scenario() -> None:
        options = ("--peer-timeout", "4s", "--router", "cap", "--programs-per-engine", "2")
        await cluster.start(*options, engines=1)
        (engine,) = cluster.engines
        observer = cluster.network.host()
        async with cluster.connected() as streaming, cluster.connected() as silent, cluster.connected() as waiting:
            await streaming.send(body("streams", 60.0, stream=True))
            assert (await streaming.head())[0] == 200
            await silent.send(body("computes", 60.0, stream=False))
            await until(lambda: is_left(cluster, running=2, waiting=0, reasoning=2))
            await waiting.send(body("waits", 60.0, stream=False))
            await until(lambda: is_left(cluster, running=2, waiting=1, reasoning=3))
            await until(lambda: are_running(cluster, engine, 2))

            cluster.clients.cut()
            await cluster.until_nothing_is_left(observer)
            assert await cluster.running_at(engine, observer) == 0
            assert engine.connections(cluster.gateway.host) == 1  # by which it is looked at
            assert cluster.gateway.connections(cluster.clients) == 0

    asyncio.run(scenario())


async def are_running(cluster: Cluster, engine: Service, requests: int) -> bool:
    return await cluster.running_at(engine) == requests


async def is_left(cluster: Cluster, **left: int) -> bool:
    return await cluster.left() == left
