"""A long thin wire is no failure."""

from __future__ import annotations

import asyncio
import json

from tests.adapters.gateway.reliability.client import Answer
from tests.hosts.cluster import TOKENS_PER_S, Cluster, is_whole

DELAY_S, BITS_PER_S = 0.2, 1e6
SECONDS = 2.0


def test_an_engine_behind_a_slow_network_stays_up_and_its_streams_are_whole(cluster: Cluster) -> None:
    async def scenario() -> None:
        await cluster.start()
        slow, _ = cluster.engines
        slow.host.slow_down(DELAY_S, BITS_PER_S)
        turns = [asyncio.create_task(cluster.turn(f"program-{number}", SECONDS, stream=True)) for number in range(8)]
        seen_up = set()
        while not all(turn.done() for turn in turns):
            seen_up.add((await cluster.workers())[slow.url]["healthy"])
            await asyncio.sleep(0.2)

        answers = await asyncio.gather(*turns)
        assert all(is_whole(answer) for answer in answers)
        assert {text(answer) for answer in answers} == {"x" * round(SECONDS * TOKENS_PER_S)}
        assert {answer.headers["x-thunder-backend"] for answer in answers} == {engine.url for engine in cluster.engines}
        workers = await cluster.workers()
        assert seen_up == {True}
        assert {(worker["failures"], worker["retries"]) for worker in workers.values()} == {(0, 0)}
        await cluster.until_nothing_is_left()

    asyncio.run(scenario())


def test_clients_behind_a_slow_network_get_whole_streams_and_are_not_taken_for_gone(cluster: Cluster) -> None:
    async def scenario() -> None:
        await cluster.start("--peer-timeout", "4s", engines=1)
        cluster.clients.slow_down(DELAY_S, BITS_PER_S)
        answers = await asyncio.gather(
            *(cluster.turn(f"stream-{number}", SECONDS, stream=True) for number in range(4)),
            *(cluster.turn(f"silent-{number}", 2 * SECONDS) for number in range(4)),
        )
        assert [answer.status for answer in answers] == [200] * 8
        assert all(is_whole(answer) for answer in answers[:4])
        await cluster.until_nothing_is_left()

    asyncio.run(scenario())


def text(answer: Answer) -> str:
    """What a stream said."""
    events = [line.removeprefix(b"data: ") for line in answer.body.splitlines() if line.startswith(b"data: {")]
    return "".join(
        choice["delta"].get("content") or "" for event in events for choice in json.loads(event)["choices"] if "delta" in choice
    )
