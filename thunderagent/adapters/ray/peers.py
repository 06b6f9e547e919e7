"""The scheduler's side of links whose frames travel as calls of its actor: who has dialled, and what is on its way to each.

A gateway sends by ``exchange`` and gets what is there for it by return; what comes up later it gets by ``poll``, a call that
waits. Ray keeps no order between the calls of an async actor, nor between their answers, so that batches are numbered both ways.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from thunderagent.adapters.link.transport import Accept, Receiver

END = None
"""In the place of a frame: the link is closed, and nothing follows."""
Frame = bytes | None
Batch = tuple[int, list[Frame]]
"""Its number, from 0 on, and its frames."""

POLL_S = 2.0
"""A poll that nothing has come for is answered after so long: that is how its gateway shows that it lives."""
SILENT_S = 10.0
"""A gateway that has not called for so long has gone: many polls, for a loop that is blocked by long bodies."""


class InOrder:
    """Gives numbered batches to a receiver in the order of their numbers, whenever they come."""

    def __init__(self, take: Callable[[Frame], None]) -> None:
        self._take, self._next = take, 0
        self._early: dict[int, Sequence[Frame]] = {}

    def put(self, number: int, frames: Sequence[Frame]) -> None:
        """Each number once."""
        self._early[number] = frames
        while (due := self._early.pop(self._next, None)) is not None:
            self._next += 1
            for frame in due:
                self._take(frame)


class _Peer:
    """The link to one gateway, as the scheduler has it."""

    def __init__(self, now_s: float) -> None:
        self.receiver: Receiver | None = None
        self.came = asyncio.Event()
        """There is something for it."""
        self.polls = 0
        self.heard_s = now_s
        self.inbox = InOrder(self._received)
        self.outbox: list[Frame] = []
        self._number = 0
        self._closed = False

    def send(self, frame: bytes) -> None:
        if not self._closed:
            self._put(frame)

    def close(self) -> None:
        """What was sent before still goes out."""
        if not self._closed:
            self._closed = True
            self._put(END)

    def lost(self, reason: str) -> None:
        if not self._closed and self.receiver is not None:
            self._closed = True
            self.receiver.lost(reason)

    def take(self) -> Batch:
        """What is there for it, if only an empty batch."""
        frames, self.outbox = self.outbox, []
        number, self._number = self._number, self._number + 1
        self.came.clear()
        return number, frames

    def _put(self, frame: Frame) -> None:
        self.outbox.append(frame)
        self.came.set()

    def _received(self, frame: Frame) -> None:
        if frame is END:
            self.lost("has closed its link")
        elif not self._closed and self.receiver is not None:
            self.receiver.received(frame)


class Peers:
    """All links of one scheduler. Everything happens on the actor's loop."""

    def __init__(self, accept: Accept, poll_s: float = POLL_S, silent_s: float = SILENT_S) -> None:
        self._accept, self._poll_s, self._silent_s = accept, poll_s, silent_s
        self._peers: dict[str, _Peer] = {}

    def open(self, name: str) -> None:
        """Somebody dials; ``name`` is made for this one link."""
        peer = self._peers[name] = _Peer(self._now_s())
        peer.receiver = self._accept(peer)

    async def exchange(self, name: str, number: int, frames: Sequence[Frame]) -> Batch | None:
        """What it sends, for what is there for it by then. None: this link is no more, or never was (another incarnation)."""
        peer = self._heard(name)
        if peer is None:
            return None
        peer.inbox.put(number, frames)
        return peer.take()  # a turn that is let in at once is answered by return

    async def poll(self, name: str) -> Batch | None:
        """Waits until there is something for it, for ``poll_s`` at most. None: as with ``exchange``."""
        peer = self._heard(name)
        if peer is None:
            return None
        peer.polls += 1
        try:
            async with asyncio.timeout(self._poll_s):
                while not peer.outbox:  # what has come may have gone by return meanwhile: that costs one call less
                    await peer.came.wait()
        except TimeoutError:
            pass
        finally:
            peer.polls -= 1
            peer.heard_s = self._now_s()
        return peer.take()

    async def watch(self) -> None:
        """For ever: gateways that are silent are lost."""
        while True:
            await asyncio.sleep(self._silent_s / 4)
            self.look()

    def look(self) -> None:
        """Lose those that have not called for too long, and forget those that have ended."""
        for name, peer in tuple(self._peers.items()):
            if not peer.polls and self._now_s() - peer.heard_s > self._silent_s:
                del self._peers[name]
                peer.lost(f"has not called for {self._silent_s:g} s")

    def _heard(self, name: str) -> _Peer | None:
        peer = self._peers.get(name)
        if peer is not None:
            peer.heard_s = self._now_s()
        return peer

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()
