"""uvicorn's HTTP protocol, with limits on what clients send, and a short way for generating requests past ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from thunderagent.adapters.gateway.answer import Dialect
from thunderagent.adapters.gateway.exchange import Exchange
from thunderagent.adapters.gateway.headers import Headers
from thunderagent.adapters.gateway.problems import render
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.errors import RequestProblem


@dataclass(frozen=True, slots=True)
class ShortWay:
    """Which requests take it, and who answers them."""

    dialects: Mapping[bytes, Dialect]
    """By path."""
    handle: Callable[[Exchange], Awaitable[None]]
    settings: GatewaySettings


class GatewayProtocol(HttpToolsProtocol):
    """One client connection. ``Config(http=partial(GatewayProtocol, way))``; everything but the short way is ASGI as ever."""

    def __init__(self, way: ShortWay, **options: Any) -> None:
        super().__init__(**options)
        self._way = way
        self._settings = way.settings
        self._deadline: asyncio.TimerHandle | None = None
        self._deadline_of_head = False
        self._in_request = False
        self._in_head = True
        self._head_bytes = self._body_bytes = 0
        self._length = 0
        self._refused = False
        self.running: Exchange | None = None
        """The request that is being answered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)
        running, last = self.running, cast(object, self.cycle)
        self.running = None
        if running is not None and running is not last:  # uvicorn tells the last pipelined request only
            running.disconnected = True
            running.set()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_request and (self._deadline is None or (self._deadline_of_head and not self._in_head)):
            self._arm()  # what comes whole in one read never needs a deadline
        if self._in_head and self._head_bytes > self._settings.max_head_bytes:
            self._refuse(431, "head_too_large", f"the request head is longer than {self._settings.max_head_bytes:,} bytes")

    def pause_writing(self) -> None:
        super().pause_writing()
        self._tell_writable(False)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._tell_writable(True)

    # Parser

    def on_message_begin(self) -> None:
        self.url = b""
        self.expect_100_continue = False
        self.headers: Headers = []
        self._in_request = self._in_head = True
        self._head_bytes = self._body_bytes = self._length = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        self.headers.append((name, value))
        if name == b"content-length" and value.isdigit():
            self._length = int(value)
        elif name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._refused:
            return
        if self._length > self._settings.max_body_bytes:
            self._refuse_body()
            return
        dialect = self._way.dialects.get(self.url.partition(b"?")[0])
        if dialect is None or self.parser.get_method() != b"POST":
            self._go_the_long_way()
            return
        keep_alive = self.parser.get_http_version() == "1.1" and self.parser.should_keep_alive()
        before = self.cycle
        self.cycle = exchange = Exchange(self, self._way.handle, dialect, self.url, self.headers, keep_alive=keep_alive)  # type: ignore[assignment]
        if before is not None and not before.response_complete:
            self.flow.pause_reading()
            self.pipeline.appendleft((exchange, self.app))  # type: ignore[arg-type]
        elif self.expect_100_continue:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._refused:
            return
        if self._body_bytes > self._settings.max_body_bytes:
            self._refuse_body()
        elif isinstance(self.cycle, Exchange):
            self.cycle.chunks.append(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_request = False
        self._in_head = True
        self._disarm()
        if self._refused:
            return
        exchange: Any = self.cycle
        if not isinstance(exchange, Exchange):
            super().on_message_complete()
            return
        exchange.whole = True
        if not any(queued is exchange for queued, _ in self.pipeline):
            exchange.start()

    # Refusals

    def send_400_response(self, msg: str) -> None:
        """What the parser does not understand."""
        self._refuse(400, "bad_http", "this is no HTTP/1.1 request")

    def _refuse_body(self) -> None:
        limit = self._settings.max_body_bytes
        self._refuse(413, "body_too_large", f"the request body is longer than {limit:,} bytes")

    def _too_slow(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self._refuse(408, "request_too_slow", "the request was not complete in time")

    def _refuse(self, status: int, reason: str, message: str) -> None:
        """Answer before the request is whole, and read no more. An answer that is on its way to the client goes before."""
        if self._refused:
            return
        self._refused = True
        self._disarm()
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and cycle.response_started:
            self.transport.abort()
            return
        status, headers, body = render(RequestProblem(status, reason, message), anthropic=False)
        lines = [b"%b: %b\r\n" % header for header in headers]
        self.transport.write(b"".join((STATUS_LINE[status], *lines, b"connection: close\r\n\r\n", body)))
        self.transport.close()

    def _go_the_long_way(self) -> None:
        """Through ASGI: what uvicorn prepares at the beginning of a request is prepared now."""
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers = self.scope["headers"] = headers
        super().on_headers_complete()

    def _arm(self) -> None:
        self._disarm()
        self._deadline_of_head = self._in_head
        timeout_s = self._settings.head_timeout_s if self._in_head else self._settings.body_timeout_s
        self._deadline = self.loop.call_later(timeout_s, self._too_slow)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _tell_writable(self, writable: bool) -> None:
        cycle: Any = self.cycle
        if isinstance(cycle, Exchange) and cycle.on_writable is not None:
            cycle.on_writable(writable)
