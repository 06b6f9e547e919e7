"""uvicorn's HTTP protocol, with limits on what clients send, and a short way for generating requests past ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from thunderagent.adapters.gateway.answer import Dialect
from thunderagent.adapters.gateway.exchange import Exchange, ProtocolExchange
from thunderagent.adapters.gateway.headers import Headers
from thunderagent.adapters.gateway.problems import render
from thunderagent.adapters.gateway.program_ids import PATH, PATH_PREFIX, PROGRAM_HEADERS, split_path
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.errors import RequestProblem

NOTED = frozenset((b"content-length", b"expect", b"connection", b"content-encoding", *PROGRAM_HEADERS))
"""Headers that mean something to the gateway; the first of each counts."""
MAX_QUEUED = 8
"""Requests that may come before it is their turn on their connection; then it is not read from, and nobody sees its end."""
LINGER_S = 2.0
"""For a client to read why it was refused: a connection that is closed before all is read that was sent loses the answer."""


@dataclass(frozen=True, slots=True)
class ShortWay:
    """Which requests take it, and who answers them."""

    dialects: Mapping[bytes, Dialect]
    """By path."""
    handle: Callable[[Exchange], Awaitable[None]]
    settings: GatewaySettings
    refused: Callable[[str], None]
    """Told the reason of every request that is refused before it is whole."""


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
        self._noted: dict[bytes, bytes] = {}
        self._idle_since_s = 0.0
        self._idle_timer: asyncio.TimerHandle | None = None
        self._read_bytes = self._began_in_bytes = 0
        self._upgrade = False
        self.url = b""
        self._own: Any = None
        self.running: Any = None
        """The request that is being answered, or was last: a ``ProtocolExchange``, or uvicorn's cycle."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        super().connection_lost(exc)
        running, last = self.running, cast(object, self.cycle)
        self.running = None
        if running is not None and running is not last and not running.response_complete:  # uvicorn tells the last one only
            running.disconnected = True
            running.message_event.set()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self._in_head:
            self._head_bytes += len(data)
        self._read_bytes = len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse(400, "bad_http", "this is no HTTP/1.1 request")
        except httptools.HttpParserUpgrade as upgrade:
            self._stay_with_http(data[upgrade.args[0] :])
        if self._in_request and (self._deadline is None or (self._deadline_of_head and not self._in_head)):
            self._arm()  # what comes whole in one read never needs a deadline
        if self._in_head and self._head_bytes > self._settings.max_head_bytes:
            self._refuse_head()

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
        self._noted = {}
        self._in_request = self._in_head = True
        self._head_bytes = self._body_bytes = self._length = 0
        self._began_in_bytes = self._read_bytes
        self._own = None

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        self.headers.append((name, value))
        if name in NOTED and name not in self._noted:
            self._noted[name] = value

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._refused:
            return
        noted = self._noted
        length = noted.get(b"content-length", b"")
        self._length = int(length) if length.isdigit() else 0
        self.expect_100_continue = noted.get(b"expect", b"").lower() == b"100-continue"
        if self.parser.should_upgrade():
            self._upgrade = True
            return
        if not self.url.startswith(b"/"):
            self.url = _origin_form(self.url)
        if self.url.startswith(PATH_PREFIX):
            self.url, noted[PATH] = split_path(self.url)
        settings = self._settings
        if self._began_in_bytes + self._head_bytes > settings.max_head_bytes and self._head_length() > settings.max_head_bytes:
            self._refuse_head()
            return
        if self._length > settings.max_body_bytes:
            self._refuse_body()
            return
        dialect = self._dialect()
        if dialect is None or self.parser.get_method() != b"POST":
            self._go_the_long_way()
            return
        version = self.parser.get_http_version()
        keep_alive = version == "1.1" and self.parser.should_keep_alive()
        before = self.cycle
        exchange = ProtocolExchange(
            self,
            self._way.handle,
            dialect,
            self.url,
            self.headers,
            noted=noted,
            keep_alive=keep_alive,
            may_chunk=version == "1.1",
        )
        self.cycle = exchange  # type: ignore[assignment]
        self._own = exchange
        if before is not None and not before.response_complete:
            self.pipeline.appendleft((exchange, self.app))  # type: ignore[arg-type]
            self._read_on_unless_many_wait()
        elif self.expect_100_continue:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._refused:
            return
        if self._body_bytes > self._settings.max_body_bytes:
            self._refuse_body()
        elif isinstance(self.cycle, ProtocolExchange):
            self.cycle.chunks.append(body)
            if self.pipeline and self._body_bytes > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_request = False
        self._in_head = True
        self._disarm()
        if self._refused or self._upgrade:
            return
        exchange: Any = self.cycle
        if not isinstance(exchange, ProtocolExchange):
            super().on_message_complete()
            return
        exchange.whole = True
        if not any(queued is exchange for queued, _ in self.pipeline):
            exchange.start()

    def on_response_complete(self) -> None:
        """As uvicorn's, but with a timer for each idle connection that is moved when it fires, not with every request."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        self._idle_since_s = self.loop.time()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._idle_timer is None:
            self._idle_timer = self.loop.call_later(self._settings.keep_alive_s, self._look_if_idle)

    def _look_if_idle(self) -> None:
        self._idle_timer = None
        if self.transport.is_closing() or self._in_request or (self.cycle is not None and not self.cycle.response_complete):
            return  # the end of the next answer asks again
        left_s = self._idle_since_s + self._settings.keep_alive_s - self.loop.time()
        if left_s <= 0:
            self.transport.close()
        else:
            self._idle_timer = self.loop.call_later(left_s, self._look_if_idle)

    # Refusals

    def _refuse_head(self) -> None:
        limit = self._settings.max_head_bytes
        self._refuse(431, "head_too_large", f"the request head is longer than {limit:,} bytes")

    def _refuse_body(self) -> None:
        limit = self._settings.max_body_bytes
        self._refuse(413, "body_too_large", f"the request body is longer than {limit:,} bytes")

    def _too_slow(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self._refuse(408, "request_too_slow", "the request was not complete in time")

    def _refuse(self, status: int, reason: str, message: str) -> None:
        """Answer before the request is whole, and take no more. What was asked before is answered, then the connection ends."""
        if self._refused:
            return
        self._refused = True
        self._way.refused(reason)
        self._disarm()
        running, own = self.running, self._own
        if running is not None and running is not own and not running.response_complete:
            running.keep_alive = False
            self.pipeline.clear()
            return
        if own is not None and own.response_started:
            self._linger() if own.response_complete else self.transport.abort()
            return
        dialect = self._dialect()
        anthropic = dialect is not None and dialect.anthropic
        status, headers, body = render(RequestProblem(status, reason, message), anthropic)
        lines = [b"%b: %b\r\n" % header for header in headers]
        self.transport.write(b"".join((STATUS_LINE[status], *lines, b"connection: close\r\n\r\n", body)))
        if own is not None:
            own.disconnected = True
            own.message_event.set()
        self._linger()

    def _linger(self) -> None:
        """Say no more, but let the client send what it sends until it has read why that is no use."""
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self.flow.resume_reading()
            self._deadline = self.loop.call_later(LINGER_S, self.transport.abort)
        else:
            self.transport.close()

    def _stay_with_http(self, rest: bytes) -> None:
        """Another protocol was offered (as Java's client does, with every first request), or a tunnel asked for.

        The parser has stopped after the head, and left the body out: it gets the head again, without the offer.
        """
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        self._upgrade = False
        if method == b"CONNECT":
            self._refuse(405, "no_proxy", "this is no proxy")
            return
        lines = [b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"".join((method, b" ", self.url, b" HTTP/", version, b"\r\n", *lines, b"\r\n", rest)))

    # Helpers

    def _dialect(self) -> Dialect | None:
        return self._way.dialects.get(self.url.partition(b"?")[0])

    def _head_length(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _read_on_unless_many_wait(self) -> None:
        """uvicorn stops reading when one request waits for another; then it would not see that the client leaves."""
        if len(self.pipeline) < MAX_QUEUED:
            self.flow.resume_reading()
        else:
            self.flow.pause_reading()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """It is a request's turn on the connection."""
        self.running = cycle
        if not isinstance(cycle, ProtocolExchange):
            super()._start_asgi_task(cycle, app)
        elif cycle.whole:
            cycle.start()

    def _go_the_long_way(self) -> None:
        """Through ASGI: what uvicorn prepares at the beginning of a request is prepared now."""
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers = self.scope["headers"] = headers
        super().on_headers_complete()
        self._own = self.cycle
        if self.pipeline:
            self._read_on_unless_many_wait()

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
        running = self.running
        if isinstance(running, ProtocolExchange) and running.on_writable is not None:
            running.on_writable(writable)


def _origin_form(url: bytes) -> bytes:
    """Path and query of a URL that is written out, as clients do that take us for a proxy; anything else as it is."""
    try:
        parts = httptools.parse_url(url)
    except httptools.HttpParserInvalidURLError:
        return url
    return (parts.path or b"/") + (b"?" + parts.query if parts.query else b"") if parts.host else url
