"""Connections to engines: one request at a time on each, kept open, read by callbacks.

A response is handed on as it comes, without a task being woken for each of its parts; that is what a relay needs, and much
cheaper than a general client.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

import httptools

from thunderagent.adapters.gateway.peers import notice_its_end
from thunderagent.adapters.gateway.reply import Reply, UpstreamError

MAX_IDLE = 1_024
"""Idle connections kept to one engine; more than requests usually run in it at once."""
NO_CONTENT = (204, 304)
TOO_LATE = 1
"""Status of a reply that is not waited for any longer."""


class Connection(asyncio.Protocol):
    """To one engine. Made and kept by its pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._transport: asyncio.Transport
        self._parser: Any = None
        self._reply: Reply | None = None
        self._keep_alive = self._until_closed = self._headless = self._paused = False
        self.closed = False
        self.used = False
        """Whether a request has gone over it before."""

    def send(self, head: bytes, body: bytes, reply: Reply, *, headless: bool) -> None:
        """Write one request; its answer goes to ``reply``. ``headless``: HEAD, whose answer has no body."""
        self._reply = reply
        self._headless = headless
        self._parser = httptools.HttpResponseParser(self)
        if len(body) < 4_096:  # one small copy is cheaper than a second buffer
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))

    def pause(self) -> None:
        if not self._paused and not self.closed:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._paused and not self.closed:
            self._paused = False
            self._transport.resume_reading()

    def leave(self, reply: Reply) -> None:
        """Its reader has gone."""
        if self._reply is reply:
            self._reply = None
            self.close()

    def give_up(self, reply: Reply, timeout_s: float) -> None:
        """Its time is over; nothing happens if it has begun."""
        if self._reply is reply and reply.status < 200:
            reply.status = TOO_LATE
            self._fail(f"has not begun to answer within {timeout_s:g} s")

    def drop(self, reply: Reply) -> None:
        """Its backend has left, though the engine may still be there."""
        if self._reply is reply:
            reply.status = reply.status or TOO_LATE
            self._fail("has left")

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._transport.abort()  # what was not written yet is not worth anything either

    # Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        if self._reply is None:  # an engine that speaks unasked, or goes on after an answer's end
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail("answered with something that is not HTTP")
            return
        if self._reply is not None:
            self._reply.flush()

    def eof_received(self) -> None:
        pass

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        if self._reply is not None and self._until_closed and error is None:
            self._finish()
        else:
            self._fail("closed the connection" if error is None else f"broke the connection ({error})")
        self._pool.forget(self)

    # Parser

    def on_message_begin(self) -> None:
        if self._reply is None:  # more than was asked for
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._reply is not None:
            self._reply.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        reply = self._reply
        if reply is None:
            return
        reply.status = status = self._parser.get_status_code()
        if status < 200:  # 100 Continue and its kind: the answer is still to come
            reply.headers.clear()
            return
        self._keep_alive = self._parser.should_keep_alive()
        chunked = False
        for name, value in reply.headers:
            if name == b"content-length" and value.isdigit():
                reply.length = int(value)
            elif name == b"transfer-encoding":
                chunked = True
        self._until_closed = not chunked and reply.length is None and status not in NO_CONTENT
        if self._headless:
            self._keep_alive = False  # the parser would wait for a body
            self._finish()
            return
        reply.began()

    def on_body(self, chunk: bytes) -> None:
        if self._reply is not None:
            self._reply.feed(chunk)

    def on_message_complete(self) -> None:
        if self._reply is not None and self._reply.status >= 200:
            self._finish()

    def _finish(self) -> None:
        reply, self._reply = self._reply, None
        self.resume()
        unsent = self._transport.get_write_buffer_size()  # an engine may answer before it has read all of a request
        if self._keep_alive and not self._until_closed and not self.closed and not unsent:
            self.used = True
            self._pool.give_back(self)
        else:
            self.close()
        if reply is not None:
            reply.end()

    def _fail(self, problem: str) -> None:
        reply, self._reply = self._reply, None
        self.close()
        if reply is not None:
            reply.end(UpstreamError(f"{self._pool.url} {problem}", began=reply.status > 0))


class Pool:
    """All connections to one engine."""

    def __init__(self, url: str, connect_timeout_s: float, peer_timeout_s: float) -> None:
        """``url``: http or https, a host, perhaps a port and a path that goes before every request's.

        ``peer_timeout_s``: a host that has not answered for so long is gone.
        """
        parts = urlsplit(url)
        assert parts.hostname is not None, f"{url} has no host"
        self.url = url
        self._host, self._tls = parts.hostname, ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        self._prefix = parts.path.rstrip("/").encode()
        self._host_line = b" HTTP/1.1\r\nhost: " + parts.netloc.rpartition("@")[2].encode() + b"\r\n"
        self._connect_timeout_s, self._peer_timeout_s = connect_timeout_s, peer_timeout_s
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()
        self.closed = False
        """Whether its engine has left."""

    async def request(
        self,
        method: bytes,
        target: bytes,
        header_lines: list[bytes],
        body: bytes | None,
        *,
        streamed: bool,
        first_byte_timeout_s: float | None = None,
        sent: Callable[[Reply], object] | None = None,
    ) -> Reply:
        """Send a request and wait until its answer is ready (see ``Reply``). The caller has to ``close`` the reply.

        ``target``: path and query. ``header_lines``: without host, content-length and line ends. ``body`` None: none is sent.
        ``first_byte_timeout_s``: for the answer's head; None: no bound. ``sent`` is told of the reply that is waited for.

        Raises:
            UpstreamError: there is no answer.
        """
        lines = list(header_lines)
        if body is not None:
            lines.append(b"content-length: %d" % len(body))
        lines.append(b"\r\n")
        head = method + b" " + self._prefix + target + self._host_line + b"\r\n".join(lines)
        loop = asyncio.get_running_loop()
        once_more = False
        while True:
            connection = (None if once_more else self._take_idle()) or await self._connect()
            once_more = connection.used
            reply = Reply(connection, loop, streamed=streamed)
            connection.send(head, body or b"", reply, headless=method == b"HEAD")
            if sent is not None:
                sent(reply)
            alarm = None
            if first_byte_timeout_s is not None:
                alarm = loop.call_later(first_byte_timeout_s, connection.give_up, reply, first_byte_timeout_s)
            try:
                await reply.ready
                if reply.error is not None:
                    raise reply.error
            except UpstreamError as error:
                if once_more and not error.began and not self.closed:  # closed for being idle in the same moment, most likely
                    continue
                raise
            except BaseException:
                reply.close()
                raise
            finally:
                if alarm is not None:
                    alarm.cancel()
            return reply

    def give_back(self, connection: Connection) -> None:
        """Its answer is complete."""
        if len(self._idle) < MAX_IDLE and not self.closed:
            self._idle.append(connection)
        else:
            connection.close()

    def forget(self, connection: Connection) -> None:
        """It is closed."""
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def close(self) -> None:
        """Close every connection, in use or not, and open no more."""
        if self.closed:
            return
        self.closed = True
        for connection in list(self._all):
            connection.close()

    def _take_idle(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed:
                return connection
        return None

    async def _connect(self) -> Connection:
        self._check_open()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                transport, connection = await loop.create_connection(
                    lambda: Connection(self),
                    self._host,
                    self._port,
                    ssl=self._tls,
                    server_hostname=self._host if self._tls else None,
                )
        except TimeoutError:
            raise UpstreamError(f"{self.url} does not accept connections") from None
        except OSError as error:
            raise UpstreamError(f"{self.url} cannot be reached ({error.strerror or error})") from None
        notice_its_end(transport.get_extra_info("socket"), self._peer_timeout_s)
        if self.closed:
            connection.close()
            self._check_open()
        self._all.add(connection)
        return connection

    def _check_open(self) -> None:
        if self.closed:
            raise UpstreamError(f"{self.url} has left")
