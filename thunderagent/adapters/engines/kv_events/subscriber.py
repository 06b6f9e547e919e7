"""One engine's stream of KV cache events, in order and whole, or with a word where it is not."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable

import zmq
import zmq.asyncio

logger = logging.getLogger(__name__)

QUEUE_BATCHES = 100_000
"""Kept by ZeroMQ for a reader that is busy, as many as vLLM keeps; what comes on top is dropped and seen as a gap."""
REPLAY_TIMEOUT_S = 2.0
"""Between two replayed batches. Engines drop what exceeds a connection's queue (1,000), the word that nothing more comes, too."""
END = (1 << 64) - 1
"""-1: no more is replayed."""


class Subscriber:
    """Reads on until it is cancelled; ZeroMQ connects again by itself."""

    def __init__(
        self,
        zeromq: zmq.asyncio.Context,
        endpoint: str,
        replay: str | None,
        *,
        on_batch: Callable[[bytes, bool], None],
        on_gap: Callable[[], None],
        on_restart: Callable[[], None],
        replay_timeout_s: float = REPLAY_TIMEOUT_S,
    ) -> None:
        """What is told: ``on_batch(payload, replayed)``: the next one, and whether it is an old one.

        ``on_gap()``: batches before the next are lost for good; ``on_restart()``: what follows is of a new process.
        """
        self.endpoint = endpoint
        self._zeromq, self._replay = zeromq, replay
        self._on_batch, self._on_gap, self._on_restart = on_batch, on_gap, on_restart
        self._timeout_s = replay_timeout_s
        self._next: int | None = None
        """Number of the next batch; None: none has come."""

    async def run(self) -> None:
        """Hand on every batch."""
        with self._zeromq.socket(zmq.SUB) as socket:
            socket.set(zmq.RCVHWM, QUEUE_BATCHES)
            socket.set(zmq.IPV6, 1)
            socket.set(zmq.LINGER, 0)
            socket.subscribe(b"")
            socket.connect(self.endpoint)
            while True:
                frames = await socket.recv_multipart()
                if (numbered := _numbered(frames)) is not None:
                    await self._take(*numbered)
                else:
                    logger.warning("KV cache events of %s: a message of %d parts is none", self.endpoint, len(frames))

    async def _take(self, number: int, payload: bytes) -> None:
        if self._next is not None and number < self._next:
            self._on_restart()
            self._next = 0
        if number != self._next:
            await self._catch_up(number)
        self._next = number + 1
        self._on_batch(payload, False)

    async def _catch_up(self, number: int) -> None:
        """Take what is missing before this batch."""
        first, wanted, asked = self._next is None, self._next or 0, -1
        while asked < wanted < number:
            asked = wanted
            async with contextlib.aclosing(self._replayed(asked)) as replay:
                async for replayed, payload in replay:
                    if replayed >= number or (replayed != wanted and wanted > asked):
                        break  # that is all, or the engine was faster than the connection: ask again
                    if replayed != wanted:
                        self._on_gap()
                    wanted = replayed + 1
                    self._on_batch(payload, True)
        if wanted < number:
            if not first:
                logger.warning("KV cache events of %s: %d batches were lost", self.endpoint, number - wanted)
            self._on_gap()

    async def _replayed(self, number: int) -> AsyncGenerator[tuple[int, bytes], None]:
        """The batches from this one on that the engine still has."""
        if self._replay is None:
            return
        with self._zeromq.socket(zmq.DEALER) as socket:
            socket.set(zmq.IPV6, 1)
            socket.set(zmq.LINGER, 0)
            socket.connect(self._replay)
            await socket.send_multipart([b"", number.to_bytes(8, "big")])
            while True:
                try:
                    async with asyncio.timeout(self._timeout_s):
                        numbered = _numbered(await socket.recv_multipart())
                except TimeoutError:
                    return
                if numbered is None or numbered[0] == END:
                    return
                yield numbered


def _numbered(frames: list[bytes]) -> tuple[int, bytes] | None:
    """Number and payload come last, behind a topic or not, with an empty part before a replayed one."""
    if len(frames) < 2 or len(frames[-2]) != 8:
        return None
    return int.from_bytes(frames[-2], "big"), frames[-1]
