"""Batches come in order and whole, or it is said that they do not. Over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import pytest
import zmq.asyncio

from tests.adapters.engines.kv_events.publisher import Publisher, publishing
from thunderagent.adapters.engines.kv_events.subscriber import Subscriber


class Reader:
    """Notes what it is told, in order."""

    def __init__(self, publisher: Publisher, *, replay: bool) -> None:
        self.notes: list[object] = []
        self.zeromq = zmq.asyncio.Context()
        where = f"tcp://127.0.0.1:{publisher.replay_port}" if replay else None
        subscriber = Subscriber(
            *(self.zeromq, f"tcp://127.0.0.1:{publisher.port}", where),
            on_batch=lambda payload, replayed: self.notes.append(
                (msgspec.msgpack.decode(payload)[1][0], "replayed" if replayed else "live")
            ),
            on_gap=lambda: self.notes.append("gap"),
            on_restart=lambda: self.notes.append("restart"),
            replay_timeout_s=0.5,
        )
        self.task = asyncio.create_task(subscriber.run())

    async def until(self, last: object) -> list[object]:
        async with asyncio.timeout(10):
            while not self.notes or self.notes[-1] != last:
                assert not self.task.done()
                await asyncio.sleep(0.005)
        return self.notes

    def close(self) -> None:
        self.task.cancel()
        self.zeromq.destroy(linger=0)


def run(story: Callable[[Publisher, Callable[..., Reader]], object]) -> None:
    async def play() -> None:
        async with publishing() as publisher:
            readers: list[Reader] = []

            def read(*, replay: bool = True) -> Reader:
                readers.append(Reader(publisher, replay=replay))
                return readers[-1]

            try:
                await story(publisher, read)  # type: ignore[misc]
            finally:
                for reader in readers:
                    reader.close()

    asyncio.run(play())


def test_batches_come_as_they_are_published() -> None:
    async def story(publisher: Publisher, read: Callable[..., Reader]) -> None:
        reader = read()
        await publisher.subscribed()
        for event in ("a", "b", "c"):
            await publisher.publish(event)
        assert await reader.until(("c", "live")) == [("a", "live"), ("b", "live"), ("c", "live")]
        assert publisher.asked == []

    run(story)


@pytest.mark.parametrize("topic", [[b""], []], ids=["vLLM", "SGLang"])
def test_what_was_published_before_is_asked_for(topic: list[bytes]) -> None:
    async def story(publisher: Publisher, read: Callable[..., Reader]) -> None:
        publisher.topic = topic
        for event in ("a", "b"):
            await publisher.publish(event)
        reader = read()
        await publisher.subscribed()
        await publisher.publish("c")
        assert await reader.until(("c", "live")) == [("a", "replayed"), ("b", "replayed"), ("c", "live")]

    run(story)


def test_what_was_lost_on_its_way_is_asked_for() -> None:
    async def story(publisher: Publisher, read: Callable[..., Reader]) -> None:
        reader = read()
        await publisher.subscribed()
        await publisher.publish("a")
        await publisher.publish("b", lost=True)
        await publisher.publish("c")
        assert await reader.until(("c", "live")) == [("a", "live"), ("b", "replayed"), ("c", "live")]
        assert publisher.asked == [1]

    run(story)


def test_what_the_engine_has_forgotten_is_a_gap() -> None:
    async def story(publisher: Publisher, read: Callable[..., Reader]) -> None:
        reader = read()
        await publisher.subscribed()
        await publisher.publish("a")
        for event in ("b", "c"):
            await publisher.publish(event, lost=True)
        del publisher.kept[:2]
        await publisher.publish("d")
        assert await reader.until(("d", "live")) == [("a", "live"), "gap", ("c", "replayed"), ("d", "live")]

    run(story)


def test_a_replay_that_breaks_off_goes_on() -> None:
    """Engines drop replayed batches that exceed a queue, and the word that there are no more."""

    async def story(publisher: Publisher, read: Callable[..., Reader]) -> None:
        publisher.drops = 2
        for event in ("a", "b", "c"):
            await publisher.publish(event)
        reader = read()
        await publisher.subscribed()
        await publisher.publish("d")
        notes = await reader.until(("d", "live"))
        assert notes == [("a", "replayed"), ("b", "replayed"), ("c", "replayed"), ("d", "live")]
        assert publisher.asked == [0, 2]

    run(story)


def test_without_replay_a_loss_is_a_gap() -> None:
    async def story(publisher: Publisher, read: Callable[..., Reader]) -> None:
        reader = read(replay=False)
        await publisher.subscribed()
        await publisher.publish("a")
        await publisher.publish("b", lost=True)
        await publisher.publish("c")
        assert await reader.until(("c", "live")) == [("a", "live"), "gap", ("c", "live")]

    run(story)


def test_an_engine_that_does_not_replay_is_not_waited_for() -> None:
    async def story(publisher: Publisher, read: Callable[..., Reader]) -> None:
        publisher.drops = -100
        reader = read()
        await publisher.subscribed()
        await publisher.publish("a", lost=True)
        await publisher.publish("b")
        assert await reader.until(("b", "live")) == ["gap", ("b", "live")]

    run(story)


def test_numbers_that_begin_anew_are_of_a_new_process() -> None:
    async def story(publisher: Publisher, read: Callable[..., Reader]) -> None:
        reader = read()
        await publisher.subscribed()
        for event in ("a", "b"):
            await publisher.publish(event)
        await reader.until(("b", "live"))
        publisher.kept.clear()
        publisher._next = 0
        await publisher.publish("c", lost=True)
        await publisher.publish("d")
        notes = await reader.until(("d", "live"))
        assert notes == [("a", "live"), ("b", "live"), "restart", ("c", "replayed"), ("d", "live")]

    run(story)


def test_a_message_that_is_no_batch_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    async def story(publisher: Publisher, read: Callable[..., Reader]) -> None:
        reader = read()
        await publisher.subscribed()
        await publisher._events.send_multipart([b"hello"])
        await publisher.publish("a")
        assert await reader.until(("a", "live")) == [("a", "live")]

    run(story)
    assert "a message of 1 parts is none" in caplog.text
