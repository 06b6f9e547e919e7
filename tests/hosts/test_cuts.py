"""An engine's host is cut off, or the network is split: no packet is answered, and nobody is told."""

from __future__ import annotations

import asyncio
import time

from tests.hosts.cluster import LOST_WITHIN_S, Cluster, Service, is_whole, until


def test_an_engine_that_is_cut_off_in_mid_turn_costs_its_streams_a_retry_and_its_programs_go_on_elsewhere(
    cluster: Cluster,
) -> None:
    async def scenario() -> None:
        await cluster.start()
        one, other = cluster.engines
        names = [f"program-{number}" for number in range(4)]
        for name in names:
            assert (await cluster.turn(name)).status == 200
        turns = [asyncio.create_task(cluster.turn(name, 3.0, stream=name < "program-2")) for name in names]
        await until(lambda: runs(cluster, 4))
        cut_off = {name for name, turn in (await cluster.get("/programs")).items() if turn["backend"] == one.url}
        assert 0 < len(cut_off) < 4

        one.host.cut()
        began_s = time.monotonic()
        answers = dict(zip(names, await asyncio.gather(*turns), strict=True))
        assert time.monotonic() - began_s < LOST_WITHIN_S + 3.0
        for name, answer in answers.items():
            if name in cut_off and name < "program-2":  # bytes of it had reached the client
                assert not is_whole(answer)
                assert b"backend_failed" in answer.body, answer
            else:
                assert answer.status == 200, answer
        for name in names:  # whoever has lost his stream sends the turn again
            assert (await cluster.turn(name)).headers["x-thunder-backend"] == other.url
        assert await cluster.up() == {other.url}
        await cluster.until_nothing_is_left()

        one.host.plug()
        await cluster.until_up(one.url, other.url)
        seen = {(await cluster.turn(f"newcomer-{number}")).headers["x-thunder-backend"] for number in range(4)}
        assert one.url in seen
        await cluster.until_nothing_is_left()
        assert await cluster.running_at(one) == 0  # it has noticed that nobody listens any more

    asyncio.run(scenario())


def test_a_network_that_is_split_leaves_agents_the_engines_on_their_side(cluster: Cluster) -> None:
    async def scenario() -> None:
        await cluster.start(engines=4)
        near, far = cluster.engines[:2], cluster.engines[2:]
        over = asyncio.Event()
        turns: dict[str, int] = {}

        async def agent(name: str) -> None:
            while not over.is_set():
                assert (await cluster.turn_with_retries(name, 0.3)).status == 200
                turns[name] = turns.get(name, 0) + 1

        agents = asyncio.gather(*(agent(f"agent-{number}") for number in range(8)))
        await until(lambda: used(cluster, cluster.engines))
        for engine in far:
            engine.host.plug("other")
        await cluster.until_up(*(engine.url for engine in near))
        before = dict(turns)
        await until(lambda: have_gone_on(before, turns))
        placed = {program["backend"] for program in (await cluster.get("/programs")).values()}
        assert placed <= {None, *(engine.url for engine in near)}  # None: between turns, without a KV cache

        for engine in far:
            engine.host.plug()
        await cluster.until_up(*(engine.url for engine in cluster.engines))
        assert (await cluster.turn("newcomer")).headers["x-thunder-backend"] in {engine.url for engine in far}
        over.set()
        await agents
        await cluster.until_nothing_is_left()
        counted = {name: program["step_count"] for name, program in (await cluster.get("/programs")).items()}
        assert {name: counted[name] for name in turns} == turns  # each once, however often it was tried
        assert [await cluster.running_at(engine) for engine in cluster.engines] == [0, 0, 0, 0]

    asyncio.run(scenario())


async def used(cluster: Cluster, engines: list[Service]) -> bool:
    workers = await cluster.workers()
    return all(workers[engine.url]["requests"] for engine in engines)


async def have_gone_on(before: dict[str, int], turns: dict[str, int]) -> bool:
    return all(turns[name] > before[name] + 1 for name in before)


async def runs(cluster: Cluster, turns: int) -> bool:
    return (await cluster.left())["running"] == turns
