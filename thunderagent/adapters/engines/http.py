"""Asks one engine over a connection that is kept. Looks at many engines cost mostly this: hence no general client."""

from __future__ import annotations

import asyncio
import os
import ssl
from typing import cast
from urllib.parse import urlsplit

from thunderagent.adapters.engines.engine import Page
from thunderagent.errors import EngineProblem

LARGEST_PAGE_BYTES = 16 << 20
"""Hundreds of times what engines publish; more is not read."""
LARGEST_HEAD_BYTES = 64 << 10
PORTS = {"http": 80, "https": 443}
NO_BODY = (204, 304)


class EngineHttp:
    """``engine.Http``: one request at a time, on the loop that asks."""

    def __init__(self, url: str) -> None:
        """``url``: the engine's base URL."""
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._netloc = parts.netloc
        self._connection: _Connection | None = None
        self.path = ""
        """Asked for last."""

    async def get(self, path: str) -> Page:
        """Any status; redirects are not followed.

        Raises:
            EngineProblem: there is no whole answer; the message says why.
        """
        self.path = path
        request = (
            f"GET {path} HTTP/1.1\r\nHost: {self._netloc}\r\nAccept: */*\r\nAccept-Encoding: identity\r\n"
            "User-Agent: thunderagent\r\n\r\n"
        ).encode()
        kept = self._connection
        if kept is not None and not kept.closed:
            try:
                return await self._exchange(kept, request, path)
            except _NotAnswered:
                pass  # it was closed in the moment in which it was used
        self.close()
        try:
            _, connection = await asyncio.get_running_loop().create_connection(_Connection, self._host, self._port, ssl=self._tls)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error  # below 0: a name is not known
            raise EngineProblem(f"Cannot connect to {self._netloc}: {reason}", dead=True) from None
        self._connection = connection
        try:
            return await self._exchange(connection, request, path)
        except _NotAnswered:
            raise EngineProblem(f"{path} is not answered: the connection is closed", dead=True) from None

    def close(self) -> None:
        """Keep no connection any more."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _exchange(self, connection: _Connection, request: bytes, path: str) -> Page:
        whole = False
        try:
            page = await connection.ask(request, path)
            whole = True
        finally:
            if not whole or connection.last:  # also when the look was given up: what comes later answers nothing
                self.close()
        return page


class _NotAnswered(Exception):
    """The connection was closed before anything came."""


class _Connection(asyncio.Protocol):
    """One answer after the other."""

    def __init__(self) -> None:
        self.closed = False
        self.last = False
        """Whether the engine closes the connection after this answer."""
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._answer: asyncio.Future[Page] | None = None
        self._path = ""
        self._head: tuple[int, str] | None = None
        self._length: int | None = None
        """Of the body, with the head; None: it is not known."""
        self._chunked = False

    async def ask(self, request: bytes, path: str) -> Page:
        """Send a request, wait for its answer."""
        assert self._transport is not None
        self._buffer.clear()
        self._head, self._length, self._chunked, self._path = None, None, False, path
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    # Called by the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done():
            self.close()  # nothing was asked
            return
        self._buffer += data
        if len(self._buffer) > LARGEST_PAGE_BYTES:
            self._fail(f"{self._path} does not end")
            return
        try:
            self._read()
        except (ValueError, LookupError):
            self._fail(f"{self._path} is not answered in HTTP")

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        if self._answer is None or self._answer.done():
            return
        if self._head is not None and self._length is None and not self._chunked:
            self._finish(bytes(self._buffer))  # its end is the end of the connection
        elif self._buffer or self._head is not None:
            self._fail(f"{self._path} breaks off")
        else:
            self._answer.set_exception(_NotAnswered())

    def _read(self) -> None:
        if self._head is None and not self._read_head():
            return
        if self._chunked:
            body = _chunks(self._buffer)
            if body is not None:
                self._finish(body)
        elif self._length is not None and len(self._buffer) >= self._length:
            self._finish(bytes(self._buffer[: self._length]))

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > LARGEST_HEAD_BYTES:
                raise ValueError
            return False
        head = bytes(self._buffer[:end]).lower()
        version, status = head[:12].split(b" ")
        if not version.startswith(b"http/1."):
            raise ValueError
        del self._buffer[: end + 4]
        if status.startswith(b"1"):  # "go on"; the answer follows
            return self._read_head()
        self._chunked = _header(head, b"transfer-encoding").endswith(b"chunked")
        length = b"0" if int(status) in NO_BODY else _header(head, b"content-length")
        self._length = _size(length) if length else None
        wishes = _header(head, b"connection")
        self.last = b"close" in wishes or (version == b"http/1.0" and b"keep-alive" not in wishes)
        self._head = int(status), _header(head, b"content-type").decode("latin-1")
        return True

    def _finish(self, body: bytes) -> None:
        assert self._head is not None and self._answer is not None
        self._answer.set_result(Page(*self._head, body))

    def _fail(self, message: str) -> None:
        assert self._answer is not None
        self._answer.set_exception(EngineProblem(message))
        self.close()


def _chunks(buffer: bytearray) -> bytes | None:
    """The body of a chunked answer; None: it goes on."""
    parts: list[bytes] = []
    at = 0
    while True:
        end = buffer.find(b"\r\n", at)
        if end < 0:
            return None
        size = _size(bytes(buffer[at:end]).partition(b";")[0], 16)
        at = end + 2
        if size == 0:
            return b"".join(parts) if buffer.endswith(b"\r\n\r\n") or buffer[at:].startswith(b"\r\n") else None
        if len(buffer) < at + size + 2:
            return None
        parts.append(bytes(buffer[at : at + size]))
        at += size + 2


def _header(head: bytes, name: bytes) -> bytes:
    """Of a head in small letters; empty: it is not there."""
    start = head.find(b"\r\n" + name + b":")
    if start < 0:
        return b""
    start += len(name) + 3
    end = head.find(b"\r\n", start)
    return head[start : end if end >= 0 else len(head)].strip()


def _size(text: bytes, base: int = 10) -> int:
    size = int(text, base)
    if size < 0:
        raise ValueError(text)
    return size
