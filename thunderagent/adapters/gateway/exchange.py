"""One generating request and its answer: what the relay sees of it, and how it is on a connection of our own server."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from thunderagent.adapters.gateway.headers import Headers

if TYPE_CHECKING:
    from thunderagent.adapters.gateway.answer import Dialect
    from thunderagent.adapters.gateway.protocol import GatewayProtocol

logger = logging.getLogger(__name__)


class Exchange(ABC):
    """When its client leaves, its task is cancelled."""

    __slots__ = (
        *("_task", "chunks", "dialect", "disconnected", "expired", "headers", "interrupted", "keep_alive", "noted"),
        *("on_writable", "response_complete", "response_started", "status", "url"),
    )

    def __init__(self, dialect: Dialect, url: bytes, headers: Headers, *, noted: dict[bytes, bytes], keep_alive: bool) -> None:
        self._task: asyncio.Task[None] | None = None
        self.expired = False
        """Whether its deadline has passed."""
        self.interrupted = False
        """Whether it is not to be run any more (``interruptions``)."""
        self.dialect = dialect
        self.url = url
        """Path and query, as sent."""
        self.headers = headers
        self.noted = noted
        """Values of the headers that mean something to the gateway (``protocol.NOTED``)."""
        self.chunks: list[bytes] = []
        self.status = 0
        """Of the answer, once it has begun."""
        self.on_writable: Callable[[bool], None] | None = None
        """Told False when the client does not read fast enough, True when it does again."""
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_started = False
        self.response_complete = False

    def take_body(self) -> bytes:
        """Of the request; it is not kept here any longer."""
        chunks, self.chunks = self.chunks, []
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def expire(self) -> None:
        """Its deadline has passed: it is cancelled."""
        self.expired = True
        if self._task is not None:
            self._task.cancel()

    def interrupt(self) -> None:
        """It is not to be run any more: it is cancelled."""
        self.interrupted = True
        if self._task is not None:
            self._task.cancel()

    async def _handle_with(self, handle: Callable[[Exchange], Awaitable[None]]) -> None:
        """Run it to its end, whatever happens."""
        try:
            await handle(self)
        except asyncio.CancelledError:
            if not self.disconnected:
                self.break_off()
        except Exception:
            logger.exception("a request to %s failed", self.dialect.path)
            self.break_off()
        else:
            if not self.response_complete and not self.disconnected:
                self.break_off()

    # The answer

    @property
    @abstractmethod
    def writable(self) -> bool:
        """Whether the client reads fast enough."""

    @abstractmethod
    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """A whole answer."""

    @abstractmethod
    def begin(self, status: int, headers: Headers, length: int | None) -> None:
        """The head of an answer whose body comes in pieces; ``length`` in bytes, if it is known."""

    @abstractmethod
    def write(self, piece: bytes) -> None:
        """The next piece of the body."""

    @abstractmethod
    def end(self) -> None:
        """The body is over."""

    @abstractmethod
    def fail(self) -> None:
        """What was written still goes out; then the client is to see that the answer is not whole."""

    @abstractmethod
    def break_off(self) -> None:
        """The client is to see that no (whole) answer comes."""


class ProtocolExchange(Exchange):
    """Takes the place of uvicorn's ASGI cycle."""

    __slots__ = ("_chunked", "_handle", "_may_chunk", "_protocol", "_transport", "message_event", "whole")

    def __init__(
        self,
        protocol: GatewayProtocol,
        handle: Callable[[Exchange], Awaitable[None]],
        dialect: Dialect,
        url: bytes,
        headers: Headers,
        *,
        noted: dict[bytes, bytes],
        keep_alive: bool,
        may_chunk: bool = True,
    ) -> None:
        """``may_chunk``: whether the client understands chunked encoding; one that speaks HTTP/1.0 does not."""
        super().__init__(dialect, url, headers, noted=noted, keep_alive=keep_alive)
        self._protocol = protocol
        self._transport = protocol.transport
        self._handle = handle
        self._chunked, self._may_chunk = False, may_chunk
        self.whole = False
        """Whether all of the request is here."""
        self.message_event = self  # what uvicorn's protocol asks of its cycle

    def start(self) -> None:
        """All of the request is here, and it is its turn on the connection."""
        self._protocol.running = self
        self._task = task = self._protocol.loop.create_task(self._run())
        self._protocol.tasks.add(task)  # uvicorn waits for them at its end

    def set(self) -> None:
        """How uvicorn tells that something has happened to the connection."""
        if self.disconnected and self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            await self._handle_with(self._handle)
        finally:
            assert self._task is not None, "it runs"
            self._protocol.tasks.discard(self._task)

    @property
    def writable(self) -> bool:
        """See ``Exchange``, as for all that follow."""
        return not self._protocol.flow.write_paused

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        self._write(b"".join((*self._head(status, headers), b"content-length: %d\r\n\r\n" % len(body), body)))
        self._complete()

    def begin(self, status: int, headers: Headers, length: int | None) -> None:
        self._chunked = length is None and self._may_chunk
        if length is not None:
            framing = b"content-length: %d\r\n\r\n" % length
        else:
            framing = b"transfer-encoding: chunked\r\n\r\n" if self._chunked else b"\r\n"  # else it ends with the connection
        self._write(b"".join((*self._head(status, headers), framing)))

    def write(self, piece: bytes) -> None:
        if piece:
            self._write(b"%x\r\n%b\r\n" % (len(piece), piece) if self._chunked else piece)

    def end(self) -> None:
        if self._chunked:
            self._write(b"0\r\n\r\n")
        self._complete()

    def fail(self) -> None:
        self.keep_alive = False
        self.response_complete = True
        self._transport.close()

    def break_off(self) -> None:
        self.keep_alive = False
        self.response_complete = True
        self._transport.abort()

    def _head(self, status: int, headers: Headers) -> list[bytes]:
        self.response_started = True
        self.status = status
        lines = [STATUS_LINE[status]]
        for name, value in headers:
            if name != b"content-length":  # said by whoever knows what is written
                lines += (name, b": ", value, b"\r\n")
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        return lines

    def _write(self, data: bytes) -> None:
        if not self.disconnected:
            self._transport.write(data)

    def _complete(self) -> None:
        self.response_complete = True
        if self.disconnected:
            return
        if not self.keep_alive:
            self._transport.close()
        self._protocol.on_response_complete()
