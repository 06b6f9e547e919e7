"""Publishes batches as an engine does, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import zmq
import zmq.asyncio


class Publisher:
    """Numbers batches from 0 and keeps them for replay."""

    def __init__(self, context: zmq.asyncio.Context, port: int = 0) -> None:
        self._events = context.socket(zmq.XPUB)  # as PUB, but it tells who has come
        self._events.set(zmq.LINGER, 0)
        self._events.bind(f"tcp://127.0.0.1:{port}")
        self._replay = context.socket(zmq.ROUTER)
        self._replay.set(zmq.LINGER, 0)
        self._replay.bind("tcp://127.0.0.1:0")
        self.kept: list[tuple[int, bytes]] = []
        self.asked: list[int] = []
        self.topic = [b""]
        """Of replayed batches: SGLang sends none."""
        self.drops = 0
        """Replayed batches after which the next answer breaks off."""
        self._next = 0
        self._task = asyncio.create_task(self._serve())

    @property
    def port(self) -> int:
        return int(self._events.get_string(zmq.LAST_ENDPOINT).rpartition(":")[2])

    @property
    def replay_port(self) -> int:
        return int(self._replay.get_string(zmq.LAST_ENDPOINT).rpartition(":")[2])

    async def subscribed(self) -> None:
        """Somebody has."""
        async with asyncio.timeout(10):
            while await self._events.recv() != b"\x01":
                pass

    async def publish(self, *events: Any, lost: bool = False) -> None:
        """One batch, which may be lost on its way."""
        payload = msgspec.msgpack.encode([1.0, list(events), 0])
        self.kept.append((self._next, payload))
        if not lost:
            await self.send(payload)
        self._next += 1

    async def send(self, payload: bytes) -> None:
        await self._events.send_multipart([b"", self._next.to_bytes(8, "big"), payload])

    async def _serve(self) -> None:
        while True:
            asker, _, start = await self._replay.recv_multipart()
            self.asked.append(int.from_bytes(start, "big"))
            batches = [(number, payload) for number, payload in self.kept if number >= self.asked[-1]]
            for number, payload in batches[: self.drops or None]:
                await self._replay.send_multipart([asker, b"", *self.topic, number.to_bytes(8, "big"), payload])
            if not self.drops:
                await self._replay.send_multipart([asker, b"", *self.topic, (-1).to_bytes(8, "big", signed=True), b""])

    def close(self) -> None:
        self._task.cancel()
        self._events.close()
        self._replay.close()


@contextlib.asynccontextmanager
async def publishing(port: int = 0) -> AsyncIterator[Publisher]:
    context = zmq.asyncio.Context()
    publisher = Publisher(context, port)
    try:
        yield publisher
    finally:
        publisher.close()
        context.destroy(linger=0)


def stored(*hashes: int, parent: int | None = None, session: str = "p") -> dict[str, Any]:
    return {
        "type": "BlockStored",
        "block_hashes": list(hashes),
        "parent_block_hash": parent,
        "token_ids": [0] * 16 * len(hashes),
        "block_size": 16,
        "session_id": session,
    }


def removed(*hashes: int) -> dict[str, Any]:
    return {"type": "BlockRemoved", "block_hashes": list(hashes), "medium": "GPU"}


CLEARED = {"type": "AllBlocksCleared"}
