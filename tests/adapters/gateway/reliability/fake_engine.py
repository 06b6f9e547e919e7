"""A fake engine on a real socket: it generates nothing, and answers, stalls, fails, breaks off or dies as it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import cast

import httptools

from tests.adapters.gateway.reliability.apis import PATHS

MODELS = b'{"object":"list","data":[{"id":"m","object":"model"}]}'


class Visit:
    """One request at the engine, and its connection."""

    def __init__(self, method: str, path: str, headers: dict[str, str], body: bytes, connection: _Connection) -> None:
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.loop = asyncio.get_running_loop()
        self.came_s = self.loop.time()
        self.left_s: float | None = None
        """When its client closed the connection before the answer was over."""
        self.left: asyncio.Future[None] = self.loop.create_future()
        self.over = False
        self._connection = connection

    @property
    def generates(self) -> bool:
        """Whether it is a turn, not a look at the engine."""
        return self.path in PATHS and self.method == "POST"

    @property
    def stream(self) -> bool:
        """Whether events are asked for."""
        return b'"stream": true' in self.body

    async def write(self, data: bytes) -> None:
        """Send a part of the answer; waits while the client does not read."""
        self._connection.transport.write(data)
        await self._connection.writable.wait()

    @property
    def held_back(self) -> bool:
        """Whether the client does not read what it is sent."""
        return not self._connection.writable.is_set()

    def respond(self, status: int, body: bytes, headers: str = "content-type: application/json\r\n") -> None:
        """A whole answer."""
        head = f"HTTP/1.1 {status} Some Reason\r\n{headers}content-length: {len(body)}\r\n\r\n"
        self._connection.transport.write(head.encode() + body)
        self.end()

    def end(self) -> None:
        """The answer is over; the connection takes the next request."""
        self.over = True

    def reset(self) -> None:
        """Break the connection."""
        self.end()
        self._connection.transport.abort()

    def close(self) -> None:
        """Close the connection in an orderly way."""
        self.end()
        self._connection.transport.close()


Behaviour = Callable[[Visit], Awaitable[None]]


class FakeEngine:
    """``behaviour`` is what it does with generating requests."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.visits: list[Visit] = []
        """Generating requests."""
        self.others: list[Visit] = []
        """Looks at its health, metrics and models, and everything else."""
        self.metrics: bytes | None = None
        """Its page of metrics; None: the look is not answered."""
        self.health: Behaviour | None = None
        """How it answers when it is asked whether it lives; None: it does."""
        self.page: Behaviour | None = None
        """How it answers a look at its metrics, if not with ``metrics``."""
        self.connections: set[_Connection] = set()
        self.connected = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._came = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def open(self) -> int:
        """Generating requests whose answer is not over."""
        return sum(visit is not None and visit.generates and not visit.over for visit in [c.visit for c in self.connections])

    async def start(self) -> FakeEngine:
        """Listen, on the same port as before."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port, backlog=4_096)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def die(self) -> None:
        """Close the listener and break all connections."""
        if self._server is not None:
            self._server.close()
        for connection in list(self.connections):
            connection.transport.abort()

    async def visit(self, number: int = 0) -> Visit:
        """The generating request of this number, once it has come."""
        while len(self.visits) <= number:
            self._came.clear()
            await self._came.wait()
        return self.visits[number]

    def came(self, visit: Visit) -> None:
        """A request is here."""
        (self.visits if visit.generates else self.others).append(visit)
        self._came.set()

    async def serve(self, visit: Visit) -> None:
        """Answer one request."""
        if visit.generates:
            await self.behaviour(visit)
            return
        match visit.path:
            case "/health" if self.health is not None:
                await self.health(visit)
            case "/health":
                visit.respond(200, b"")
            case "/v1/models":
                visit.respond(200, MODELS)
            case "/metrics" if self.page is not None:
                await self.page(visit)
            case "/metrics" if self.metrics is not None:
                visit.respond(200, self.metrics, "content-type: text/plain\r\n")
            case "/metrics":
                await visit.left
            case _:
                visit.respond(404, json.dumps({"error": "unknown"}).encode())


class _Connection(asyncio.Protocol):
    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine
        self.transport: asyncio.Transport
        self.visit: Visit | None = None
        self.writable = asyncio.Event()
        self.writable.set()
        self._task: asyncio.Task[None] | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._path, self._headers, self._body = b"", {}, bytearray()  # type: ignore[var-annotated]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.engine.connections.add(self)
        self.engine.connected += 1

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.engine.connections.discard(self)
        visit = self.visit
        if visit is not None and not visit.over:
            visit.left_s, visit.over = visit.loop.time(), True
            visit.left.set_result(None)
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode().lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        path = self._path.decode().partition("?")[0]
        method = self._parser.get_method().decode()
        self.visit = Visit(method, path, self._headers, bytes(self._body), self)
        self._path, self._headers, self._body = b"", {}, bytearray()
        self.engine.came(self.visit)
        self._task = asyncio.get_running_loop().create_task(self.engine.serve(self.visit))
