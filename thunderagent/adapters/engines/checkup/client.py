"""One address, asked; every way in which an answer can fail, in words and with what to do."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import socket
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from thunderagent.adapters.engines.engine import Page
from thunderagent.adapters.engines.urls import PORTS
from thunderagent.errors import EngineProblem

LARGEST_PAGE_BYTES = 16 << 20
"""Hundreds of times what engines answer; more is not read."""
TLS_TIMEOUT_S = 2.0
"""For a handshake with something that has answered already, if strangely."""
START_IT = "start the engine, or correct the address"


class NoAnswer(EngineProblem):
    """There is no whole answer. The message says what happened, ``advice`` what to do."""

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message, dead=True)
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Answer:
    """A page, and what else is known of it."""

    page: Page
    location: str | None
    """Where it sends its clients instead."""
    took_s: float
    """Connecting included."""


class Client:
    """Asks one engine; an ``Http`` for ``Engine.read``."""

    def __init__(self, session: aiohttp.ClientSession, url: str, timeout_s: float, key: str | None = None) -> None:
        self.url = url
        self.has_key = key is not None
        self._session, self._timeout_s = session, timeout_s
        self._headers = {} if key is None else {"Authorization": f"Bearer {key}"}

    async def get(self, path: str) -> Page:
        """Any status; redirects are not followed.

        Raises:
            NoAnswer: there is no whole answer.
        """
        return (await self.ask(path)).page

    async def ask(self, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """GET, or POST of a JSON body; any status.

        Raises:
            NoAnswer: there is no whole answer.
        """
        start_s = time.monotonic()
        async with self._sent(path, body, headers) as response:
            whole = bytearray()
            async for chunk in response.content.iter_any():
                whole += chunk
                if len(whole) > LARGEST_PAGE_BYTES:
                    raise NoAnswer(f"{path} does not end", "correct the address: this is no engine")
            page = Page(response.status, response.content_type, bytes(whole))
            return Answer(page, response.headers.get("Location"), time.monotonic() - start_s)

    async def addresses(self) -> frozenset[str]:
        """Behind its name, with the port: whoever shares one is the same server."""
        parts = urlsplit(self.url)
        port = parts.port or PORTS[parts.scheme]
        try:
            found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        except OSError:
            return frozenset()
        return frozenset(f"{host!s} {port}" for *_, (host, *_) in found)

    @contextlib.asynccontextmanager
    async def stream(self, path: str, body: Any, headers: dict[str, str] | None = None) -> AsyncIterator[aiohttp.StreamReader]:
        """The answer to a POST as it comes; leaving early closes the connection.

        Raises:
            NoAnswer: it breaks off, or takes too long.
        """
        async with self._sent(path, body, headers) as response:
            try:
                yield response.content
            finally:
                response.close()

    @contextlib.asynccontextmanager
    async def _sent(self, path: str, body: Any, headers: dict[str, str] | None) -> AsyncIterator[aiohttp.ClientResponse]:
        """One request; what goes wrong meanwhile, as ``NoAnswer``."""
        connected = [False]
        options: dict[str, Any] = {} if body is None else {"data": json.dumps(body).encode()}
        sent = {**self._headers, **(headers or {}), **({} if body is None else {"Content-Type": "application/json"})}
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._session.request(
                    "GET" if body is None else "POST",
                    self.url + path,
                    headers=sent,
                    allow_redirects=False,
                    trace_request_ctx=connected,
                    **options,
                ) as response,
            ):
                yield response
        except TimeoutError:
            if connected[0]:
                problem = f"takes the connection, but {path} is not answered within {self._timeout_s:g} s"
                raise NoAnswer(problem, "look whether it hangs or still loads its model; --timeout waits longer") from None
            raise NoAnswer(f"connecting takes more than {self._timeout_s:g} s", "look at the address and at firewalls") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise await self._no_answer(path, error) from None

    async def _no_answer(self, path: str, error: Exception) -> NoAnswer:
        parts = urlsplit(self.url)
        match error:
            case aiohttp.ClientConnectorDNSError():
                return NoAnswer(f"there is no machine called {parts.hostname}", "correct the address")
            case aiohttp.ClientConnectorCertificateError():
                reason = getattr(error.certificate_error, "verify_message", None) or error.certificate_error
                advice = "give it a certificate that this machine trusts, or name the CA in SSL_CERT_FILE"
                return NoAnswer(f"its certificate is not trusted: {reason}", advice)
            case aiohttp.ClientConnectorSSLError():
                return NoAnswer("does not speak TLS", f"write http://{parts.netloc}")
            case aiohttp.ClientConnectorError() if error.os_error.errno == errno.ECONNREFUSED:
                return NoAnswer("nothing listens there (connection refused)", START_IT)
            case aiohttp.ClientConnectorError():
                return NoAnswer(f"cannot be reached: {error.os_error.strerror or error.os_error}", "correct the address")
            case aiohttp.ClientPayloadError():
                return NoAnswer(f"{path} breaks off", "look into the log of what answers there, and of proxies between")
        if parts.scheme == "http" and await _speaks_tls(str(parts.hostname), parts.port or PORTS[parts.scheme]):
            return NoAnswer("speaks TLS, not plain HTTP", f"write https://{parts.netloc}")
        if isinstance(error, aiohttp.ServerDisconnectedError | OSError):
            return NoAnswer("closes the connection without an answer", START_IT)
        return NoAnswer("does not speak HTTP", START_IT)


def connection_trace() -> aiohttp.TraceConfig:
    """Tells each request of a session when it is connected, for ``Client``."""

    async def connected(session: object, context: Any, parameters: object) -> None:
        context.trace_request_ctx[0] = True

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(connected)
    trace.on_connection_reuseconn.append(connected)
    return trace


async def _speaks_tls(host: str, port: int) -> bool:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent: only whether it would answer
    try:
        async with asyncio.timeout(TLS_TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except (OSError, TimeoutError, socket.gaierror):
        return False
    writer.close()
    return True
