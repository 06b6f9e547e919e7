"""One answer of an engine, as its connection reads it and as whoever asked for it sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from thunderagent.adapters.gateway.headers import Headers

WHOLE_BYTES = 8 << 20
"""A longer answer is not gathered before it goes on; answers to one turn are far shorter."""


class Source(Protocol):
    """The connection that an answer comes from."""

    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def leave(self, reply: Reply) -> None: ...
    def drop(self, reply: Reply) -> None: ...


class UpstreamError(Exception):
    """The engine could not be reached, or its answer broke off. ``began``: after its first byte, or after the time for that."""

    def __init__(self, problem: str, *, began: bool = False) -> None:
        super().__init__(problem)
        self.began = began


class Reply:
    """One answer of an engine. ``ready`` comes when it is to be looked at, ``done`` with its end."""

    __slots__ = (
        *("_connection", "_loop", "_piece", "_sink", "body", "complete", "done", "error", "headers", "length", "ready"),
        *("received", "status", "streamed"),
    )

    def __init__(self, connection: Source, loop: asyncio.AbstractEventLoop, *, streamed: bool) -> None:
        self._connection = connection
        self._loop = loop
        self._sink: Callable[[bytes], None] | None = None
        self._piece: list[bytes] = []
        self.streamed = streamed
        """Whether to be ready with the headers rather than with the whole body."""
        self.ready: asyncio.Future[None] = loop.create_future()
        self.done: asyncio.Future[None] | None = None
        self.status = 0
        self.headers: Headers = []
        self.length: int | None = None
        """Of the body in bytes, if the engine said."""
        self.body: list[bytes] = []
        """What was not handed on yet."""
        self.received = 0
        self.complete = False
        self.error: UpstreamError | None = None

    async def pipe(self, sink: Callable[[bytes], None]) -> None:
        """Hand what has come and all that comes to ``sink``, until the end.

        Raises:
            UpstreamError: it broke off.
        """
        for chunk in self.body:
            sink(chunk)
        self.body = []
        if not self.complete and self.error is None:
            self._sink = sink
            self.done = self._loop.create_future()
            try:
                await self.done
            finally:
                self._sink = None
        if self.error is not None:
            raise self.error

    def pause(self) -> None:
        """Take no more from the engine for now."""
        self._connection.pause()

    def resume(self) -> None:
        """Go on."""
        self._connection.resume()

    def close(self) -> None:
        """No more of it is wanted: unless it is complete, the engine sees that its client has left."""
        self._connection.leave(self)

    def drop(self) -> None:
        """Its backend has left: it fails, unless it is complete."""
        self._connection.drop(self)

    # Told by the connection

    def began(self) -> None:
        if self.streamed and not self.ready.done():
            self.ready.set_result(None)

    def feed(self, chunk: bytes) -> None:
        self.received += len(chunk)
        if self._sink is not None:
            self._piece.append(chunk)
        else:
            self.body.append(chunk)
            if self.received > WHOLE_BYTES and not self.streamed:
                self.streamed = True
                self.began()

    def flush(self) -> None:
        """Everything that came in one read goes on as one piece."""
        if self._piece and self._sink is not None:
            piece = self._piece[0] if len(self._piece) == 1 else b"".join(self._piece)
            self._piece.clear()
            self._sink(piece)

    def end(self, error: UpstreamError | None = None) -> None:
        self.flush()
        self.complete, self.error = error is None, error
        for future in (self.ready, self.done):
            if future is not None and not future.done():
                future.set_result(None)
