"""Every request that is not scheduled goes to an engine as it is: raw ASGI, streamed back with bounded memory."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from thunderagent.adapters.gateway.headers import Headers, downstream, first, upstream_lines
from thunderagent.adapters.gateway.reply import Reply, UpstreamError
from thunderagent.adapters.gateway.routes import Route, with_rank
from thunderagent.adapters.gateway.upstream import Pool
from thunderagent.errors import RequestProblem

logger = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

ENGINE_HEADER = b"x-thunder-backend"
"""A client may say which engine is meant, or which rank of one."""
BUFFERED_BYTES = 256 << 10
"""Of an answer that its client does not read, before the engine is held back."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where a request goes, and how."""

    pool: Pool
    without: frozenset[bytes]
    """Names of headers that are not for the engine, those that are said anew among them."""
    timeout_s: float
    """For the whole answer."""
    route: Route
    """To the backend that is meant."""


class ClientLeft(Exception):
    """Nobody waits for the answer any more."""


async def read_body(receive: Receive) -> bytes:
    """The whole body of a request; its size is bounded by the protocol.

    Raises:
        ClientLeft: it does not come.
    """
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def target(scope: Mapping[str, Any]) -> bytes:
    """Path and query, as they were sent."""
    query = scope["query_string"]
    return bytes(scope["raw_path"] + (b"?" + query if query else b""))


def named_backend(headers: Headers, known: Sequence[str]) -> str | None:
    """The one that the client names; None: he names none. ``known``: ids of backends, and URLs of engines.

    Raises:
        RequestProblem: 404, it is not there.
    """
    named = first(headers, ENGINE_HEADER)
    if named is None:
        return None
    name = named.decode("latin-1").rstrip("/")
    if name not in known:
        raise RequestProblem(
            404, "unknown_backend", f"X-Thunder-Backend names no engine that is up; there are: {', '.join(dict.fromkeys(known))}"
        )
    return name


async def pass_through(scope: MutableMapping[str, Any], receive: Receive, send: Send, upstream: Upstream) -> None:
    """Send one request to an engine and its answer to the client, until either leaves.

    Raises:
        RequestProblem: 503, the engine gave no answer; 400, the request names another rank.
        ClientLeft: the client did.
    """
    body = await read_body(receive)
    has_body = bool(body) or scope["method"] in ("POST", "PUT", "PATCH")
    work = asyncio.ensure_future(_answer(scope, send, upstream, body if has_body else None))
    leaving = asyncio.ensure_future(_until_left(receive))
    try:
        await asyncio.wait((work, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise ClientLeft
        work.result()
    finally:
        leaving.cancel()
        work.cancel()


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer(scope: MutableMapping[str, Any], send: Send, upstream: Upstream, body: bytes | None) -> None:
    began = False
    lines = upstream_lines(scope["headers"], upstream.without, first(scope["headers"], b"connection"))
    lines = with_rank(upstream.route, lines)
    try:
        async with asyncio.timeout(upstream.timeout_s):
            reply = await upstream.pool.request(scope["method"].encode(), target(scope), lines, body, streamed=True)
            try:
                headers = downstream(reply.headers)
                if reply.length is not None:
                    headers.append((b"content-length", b"%d" % reply.length))
                await send({"type": "http.response.start", "status": reply.status, "headers": headers})
                began = True
                await _body(reply, send)
            finally:
                reply.close()
    except UpstreamError as error:
        if not began:
            raise RequestProblem(503, "backend_failed", str(error), retry_after_s=1.0) from None
        logger.warning("an answer to %s is cut: %s", scope["path"], error)
    except TimeoutError:
        if not began:
            raise RequestProblem(504, "timeout", f"there was no whole answer after {upstream.timeout_s:g} s") from None
        logger.warning("an answer to %s is cut: it was not whole after %g s", scope["path"], upstream.timeout_s)
    # An answer that is not whole when all returns is cut by uvicorn, which the client sees.


async def _body(reply: Reply, send: Send) -> None:
    """What comes waits in memory for the client, as much as is allowed; then the engine waits."""
    pieces: list[bytes] = []
    waiting = 0
    came = asyncio.Event()

    def take(piece: bytes) -> None:
        nonlocal waiting
        pieces.append(piece)
        waiting += len(piece)
        if waiting > BUFFERED_BYTES:
            reply.pause()
        came.set()

    piping = asyncio.ensure_future(reply.pipe(take))
    piping.add_done_callback(lambda _: came.set())
    try:
        while True:
            await came.wait()
            came.clear()
            if pieces:
                body, waiting = b"".join(pieces), 0
                pieces.clear()
                await send({"type": "http.response.body", "body": body, "more_body": True})
                reply.resume()
            elif piping.done():
                piping.result()
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                return
            if piping.done():
                came.set()
    finally:
        piping.cancel()
