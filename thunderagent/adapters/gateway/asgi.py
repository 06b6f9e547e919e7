"""The gateway as one ASGI application, for servers that are not ours (Ray Serve's): a little slower, the same otherwise.

What ``protocol`` does for our own server is done here as far as a server leaves it to its application: programs in paths, limits
of bodies and of the time that they take, and noticing that a client leaves.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from thunderagent.adapters.gateway.answer import Dialect
from thunderagent.adapters.gateway.exchange import Exchange
from thunderagent.adapters.gateway.headers import Headers
from thunderagent.adapters.gateway.passthrough import Receive, Send, target
from thunderagent.adapters.gateway.problems import render
from thunderagent.adapters.gateway.program_ids import PATH, PATH_PREFIX, split_path
from thunderagent.adapters.gateway.protocol import NOTED, ShortWay
from thunderagent.errors import RequestProblem

HIGH_WATER_BYTES, LOW_WATER_BYTES = 256 << 10, 64 << 10
"""Of an answer that the server has not taken yet: above, the engine is held back; below, it goes on."""
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class AsgiGateway:
    """Generating requests by the short way, everything else to ``app``."""

    def __init__(self, way: ShortWay, app: App) -> None:
        self._way, self._app = way, app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One request, or nothing: what is to happen at start and end is somebody else's."""
        if scope["type"] != "http":
            return
        url = target(scope)
        noted: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in NOTED:
                noted.setdefault(name, value)
        if url.startswith(PATH_PREFIX):
            url, noted[PATH] = split_path(url)
            path = url.partition(b"?")[0]
            scope = {**scope, "raw_path": path, "path": path.decode("latin-1")}
        dialect = self._way.dialects.get(url.partition(b"?")[0]) if scope["method"] == "POST" else None
        if dialect is None:
            await self._app(scope, receive, send)
            return
        try:
            exchange = AsgiExchange(dialect, url, list(scope["headers"]), noted, send)
            await self._read(exchange, receive)
        except RequestProblem as problem:
            self._way.refused(problem.reason)
            exchange.respond(*render(problem, dialect.anthropic))
            await exchange.sent()
        else:
            if not exchange.disconnected:
                await exchange.run(self._way.handle, receive)

    async def _read(self, exchange: AsgiExchange, receive: Receive) -> None:
        """The request's body.

        Raises:
            RequestProblem: 413, 408.
        """
        settings = self._way.settings
        length = exchange.noted.get(b"content-length", b"")
        size = int(length) if length.isdigit() else 0
        try:
            async with asyncio.timeout(settings.body_timeout_s):
                while size <= settings.max_body_bytes:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        exchange.disconnected = True
                        return
                    exchange.chunks.append(message.get("body", b""))
                    if not message.get("more_body"):
                        return
                    size = max(size, sum(map(len, exchange.chunks)))
        except TimeoutError:
            raise RequestProblem(408, "request_too_slow", "the request was not complete in time") from None
        limit = settings.max_body_bytes
        raise RequestProblem(413, "body_too_large", f"the request body is longer than {limit:,} bytes")


class AsgiExchange(Exchange):
    """What is written goes into a buffer, from which a task sends: a server takes messages one by one, and may let wait."""

    __slots__ = ("_buffer", "_buffered_bytes", "_came", "_cut", "_send", "_told_full")

    def __init__(self, dialect: Dialect, url: bytes, headers: Headers, noted: dict[bytes, bytes], send: Send) -> None:
        super().__init__(dialect, url, headers, noted=noted, keep_alive=True)
        self._send = send
        self._buffer: deque[dict[str, Any]] = deque()
        self._buffered_bytes = 0
        self._came = asyncio.Event()
        self._told_full = False
        self._cut = False

    async def run(self, handle: Callable[[Exchange], Awaitable[None]], receive: Receive) -> None:
        """Answer it; returns once all is sent. An answer that is not whole then is cut by the server, which the client sees."""
        self._task = asyncio.ensure_future(self._handle_with(handle))
        watching = asyncio.ensure_future(self._watch(receive))
        try:
            await self.sent()
            await self._task
        except asyncio.CancelledError:  # so servers end a request that nobody waits for
            self._leave()
            raise
        except OSError:  # so others tell that the client has left
            self._leave()
        finally:
            watching.cancel()
            await asyncio.wait((self._task,))

    async def sent(self) -> None:
        """Send what is written, until the answer is over or its client has gone."""
        while not self.disconnected:
            while self._buffer and not self.disconnected:
                message = self._taken()
                await self._send(message)
                self._tell_writable()
            if self.response_complete or self._cut:
                return
            await self._came.wait()
            self._came.clear()

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def _leave(self) -> None:
        if not self.response_complete:
            self.disconnected = True
            self._came.set()
            if self._task is not None:
                self._task.cancel()

    # The answer

    @property
    def writable(self) -> bool:
        """See ``Exchange``, as for all that follow."""
        return self._buffered_bytes < HIGH_WATER_BYTES

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        self.begin(status, headers, len(body))
        self._put(body)
        self.end()

    def begin(self, status: int, headers: Headers, length: int | None) -> None:
        self.response_started, self.status = True, status
        kept = [header for header in headers if header[0] != b"content-length"]
        if length is not None:
            kept.append((b"content-length", b"%d" % length))
        self._buffer.append({"type": "http.response.start", "status": status, "headers": kept})
        self._came.set()

    def write(self, piece: bytes) -> None:
        if piece:
            self._put(piece)

    def end(self) -> None:
        self._buffer.append({"type": "http.response.body", "body": b"", "more_body": False})
        self.response_complete = True
        self._came.set()

    def fail(self) -> None:
        self.response_complete = self._cut = True
        self._came.set()

    def break_off(self) -> None:
        self._buffer.clear()
        self.fail()

    def _put(self, piece: bytes) -> None:
        self._buffer.append({"type": "http.response.body", "body": piece, "more_body": True})
        self._buffered_bytes += len(piece)
        self._came.set()
        self._tell_writable()

    def _taken(self) -> dict[str, Any]:
        """The next message; pieces that wait behind each other become one."""
        message = self._buffer.popleft()
        if message["type"] == "http.response.start":
            return message
        pieces = [message["body"]]
        while self._buffer:
            message = self._buffer.popleft()
            pieces.append(message["body"])
        body = b"".join(pieces)
        self._buffered_bytes -= len(body)
        return {"type": "http.response.body", "body": body, "more_body": message["more_body"]}

    def _tell_writable(self) -> None:
        full = self._buffered_bytes >= (LOW_WATER_BYTES if self._told_full else HIGH_WATER_BYTES)
        if full != self._told_full:
            self._told_full = full
            if self.on_writable is not None:
                self.on_writable(not full)
