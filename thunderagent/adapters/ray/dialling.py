"""The gateway's side of a link to a scheduler that is a Ray actor."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import ray
from ray.exceptions import RayError

from thunderagent.adapters.link.transport import Dial, Link, Receiver
from thunderagent.adapters.ray.peers import END, Batch, Frame, InOrder
from thunderagent.errors import LinkError

ANSWER_S = 10.0
"""For an actor to answer the first call: while it is started anew, which takes Ray a second or two, calls may wait."""


def dial_actor(name: str, namespace: str, on_host: Callable[[str], None] = lambda host: None) -> Dial:
    """Links to the scheduler of this name. Ray has to be connected. ``on_host``: told where it runs, with each new link."""

    async def dial(receiver: Receiver) -> Link:
        actor = await asyncio.to_thread(find_actor, name, namespace)
        peer = uuid.uuid4().hex
        try:
            async with asyncio.timeout(ANSWER_S):
                on_host(await actor.open_link.remote(peer))
        except (RayError, TimeoutError) as error:
            raise LinkError(f"the scheduler {name!r} does not answer: {in_short(error)}") from None
        return ActorLink(actor, peer, receiver)

    return dial


def find_actor(name: str, namespace: str) -> Any:
    """The handle of a named actor. Blocks for a call to the cluster.

    Raises:
        LinkError: there is none.
    """
    try:
        return ray.get_actor(name, namespace=namespace)
    except ValueError:
        raise LinkError(f"there is no actor {name!r} in Ray's namespace {namespace!r}") from None
    except RayError as error:
        raise LinkError(f"Ray does not tell of the actor {name!r}: {in_short(error)}") from None


class ActorLink:
    """``Link`` by calls. Frames of one iteration of the loop go in one call; several calls may be under way."""

    def __init__(self, actor: Any, peer: str, receiver: Receiver) -> None:
        """``peer``: as what the actor knows this link."""
        self._actor, self._peer, self._receiver = actor, peer, receiver
        self._loop = asyncio.get_running_loop()
        self._outbox: list[Frame] = []
        self._number = 0
        self._inbox = InOrder(self._received)
        self._ended = False
        self._calls: set[asyncio.Task[None]] = set()
        self._start(self._poll())

    def send(self, frame: bytes) -> None:
        """See ``Link``."""
        if self._ended:
            return
        if not self._outbox:
            self._loop.call_soon(self._flush)
        self._outbox.append(frame)

    def close(self) -> None:
        """See ``Link``."""
        if not self._ended:
            self._outbox.append(END)
            self._flush()
            self._end()

    def _flush(self) -> None:
        frames, self._outbox = self._outbox, []
        if frames and not self._ended:
            number, self._number = self._number, self._number + 1
            self._start(self._call(self._actor.exchange.remote(self._peer, number, frames)))

    def _start(self, call: Any) -> None:
        task = self._loop.create_task(call)
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _poll(self) -> None:
        while not self._ended:
            await self._call(self._actor.poll.remote(self._peer))

    async def _call(self, answer: Any) -> None:
        try:
            batch: Batch | None = await answer
        except RayError as error:
            self._lose(in_short(error))
            return
        if batch is None:
            self._lose("it does not know this link any more")
        elif not self._ended:
            self._inbox.put(*batch)

    def _received(self, frame: Frame) -> None:
        if self._ended:
            return
        if frame is END:
            self._lose("it has closed the link")
        else:
            self._receiver.received(frame)

    def _lose(self, reason: str) -> None:
        if not self._ended:
            self._end()
            self._receiver.lost(reason)

    def _end(self) -> None:
        self._ended = True
        current = asyncio.current_task(self._loop)
        for call in self._calls:
            if call is not current:
                call.cancel()


def in_short(error: BaseException) -> str:
    """Ray's messages are many lines."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__
