"""From an engine's events and the runtime's steps to what is told of programs. Over real sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from tests.adapters.engines.kv_events.publisher import CLEARED, Publisher, publishing, removed, stored
from thunderagent.adapters.engines.kv_events import EventPorts, KvEventWatch
from thunderagent.adapters.engines.kv_events.watch import SILENT_TURNS, LinkCounts
from thunderagent.runtime import StepProfile

ENGINE = "http://127.0.0.1:8000"


class Host:
    """A runtime that knows some programs, and notes what it is told."""

    def __init__(self, publisher: Publisher) -> None:
        self.told: list[object] = []
        self.known = {"p", "q"}
        self.watch = KvEventWatch(
            EventPorts(str(publisher.port), str(publisher.replay_port)),
            on_resident=self._resident,
            on_cleared=lambda backend: self.told.append(f"{backend} cleared"),
            session_of=lambda program: program.removeprefix("train/"),
        )
        self.watch.joined(ENGINE)
        self.watch.joined(ENGINE)

    def _resident(self, program: str, backend: str, tokens: int | None) -> bool:
        assert backend == ENGINE
        self.told.append((program, tokens))
        return program.removeprefix("train/") in self.known

    async def until(self, *told: object) -> None:
        async with asyncio.timeout(10):
            while len(self.told) < len(told):  # noqa: ASYNC110  (the sockets are real)
                await asyncio.sleep(0.005)
        assert self.told == list(told)
        self.told.clear()

    async def blocks(self, number: int) -> None:
        async with asyncio.timeout(10):
            while self.watch.counts.blocks != number:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    def turn(self, program: str, tokens: int, *, backend: str = ENGINE, outcome: str = "completed") -> None:
        now = time.time()
        self.watch.took_step(
            StepProfile(
                *(program, 1, None, None, 0.0, 0.0, None, now, now - 5.0, None, tokens - 1, None, 1, None),
                *(backend, "", "", outcome),
            )
        )


def run(story: Callable[[Publisher, Host], Awaitable[None]]) -> None:
    async def play() -> None:
        async with publishing() as publisher:
            host = Host(publisher)
            try:
                await publisher.subscribed()
                await story(publisher, host)
            finally:
                host.watch.close()
                host.watch.close()

    asyncio.run(play())


def test_what_a_turn_left_is_told_and_what_goes_of_it() -> None:
    async def story(publisher: Publisher, host: Host) -> None:
        await publisher.publish(stored(1, 2, 3))
        await host.blocks(3)
        host.turn("train/p", 50)
        await host.until(("train/p", 48))
        await publisher.publish(removed(3), removed(2))
        await host.until(("train/p", 16))
        assert host.watch.counts == LinkCounts(found=1, unknown=0, blocks=1)

    run(story)


def test_events_may_come_after_their_turn_has_ended() -> None:
    async def story(publisher: Publisher, host: Host) -> None:
        host.turn("p", 50)
        await publisher.publish(stored(1, 2, 3, session=""))
        await host.until(("p", 48))

    run(story)


def test_a_program_that_is_not_known_any_more_is_forgotten() -> None:
    async def story(publisher: Publisher, host: Host) -> None:
        await publisher.publish(stored(1, 2, 3))
        await host.blocks(3)
        host.turn("p", 50)
        host.known.clear()
        await publisher.publish(removed(3))
        await host.until(("p", 48), ("p", 32))
        await publisher.publish(removed(2), stored(4, session="q"))
        await host.blocks(2)
        assert host.told == []

    run(story)


def test_turns_that_failed_or_ran_elsewhere_are_not_looked_for() -> None:
    async def story(publisher: Publisher, host: Host) -> None:
        await publisher.publish(stored(1, 2, 3))
        await host.blocks(3)
        host.turn("p", 50, outcome="failed")
        host.turn("p", 50, backend="http://other")
        assert host.told == []

    run(story)


def test_a_cleared_cache_and_a_new_process_are_told() -> None:
    async def story(publisher: Publisher, host: Host) -> None:
        await publisher.publish(stored(1))
        await publisher.publish(CLEARED)
        await host.until(f"{ENGINE} cleared")
        assert host.watch.counts.blocks == 0
        publisher._next = 0
        publisher.kept.clear()
        await publisher.publish(stored(1, 2))
        await host.until(f"{ENGINE} cleared")
        await host.blocks(2)

    run(story)


def test_a_cache_that_was_cleared_before_anybody_listened_is_no_loss() -> None:
    async def story(publisher: Publisher, host: Host) -> None:
        for event in (stored(1), CLEARED):
            await publisher.publish(event, lost=True)
        await publisher.publish(stored(2, 3))
        await host.blocks(2)
        assert host.told == []

    run(story)


def test_after_a_loss_nothing_is_known() -> None:
    async def story(publisher: Publisher, host: Host) -> None:
        await publisher.publish(stored(1, 2, 3))
        await host.blocks(3)
        host.turn("p", 50)
        await host.until(("p", 48))
        await publisher.publish(removed(3), lost=True)
        publisher.kept.clear()
        await publisher.publish(stored(9))
        await host.until(("p", None))
        assert host.watch.counts.blocks == 1

    run(story)


def test_a_batch_that_cannot_be_read_is_a_loss(caplog: pytest.LogCaptureFixture) -> None:
    async def story(publisher: Publisher, host: Host) -> None:
        await publisher.publish(stored(1, 2, 3))
        await host.blocks(3)
        host.turn("p", 50)
        await publisher.send(b"\xc1")
        await host.until(("p", 48), ("p", None))

    run(story)
    assert f"engine {ENGINE}: a batch of KV cache events cannot be read" in caplog.text


def test_an_engine_that_publishes_nothing_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    async def story(publisher: Publisher, host: Host) -> None:
        for _ in range(2 * SILENT_TURNS):
            host.turn("p", 50)

    run(story)
    assert caplog.text.count("publishes no KV cache events at tcp://127.0.0.1:") == 1


def test_an_engine_that_has_left_is_not_followed() -> None:
    async def story(publisher: Publisher, host: Host) -> None:
        host.turn("p", 50)
        host.watch.left(ENGINE)
        host.watch.left(ENGINE)
        host.turn("p", 50)
        assert host.watch.counts == LinkCounts(0, 0, 0)

    run(story)
