"""Requests that nobody waits for any more, ended by a call of their own.

vLLM sees at once that a connection was closed, and so does SGLang 0.5.23 while it streams; versions before let streams go on for
2 s. What SGLang does not stream goes on until it looks at the connection, every 4 s (``SGLANG_REQUEST_STATE_WAIT_TIMEOUT``) or 50
tokens. So long the KV cache would be held for nobody. Where the engine has seen it already, the call does nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from thunderagent.adapters.gateway.reply import UpstreamError
from thunderagent.adapters.gateway.routes import AbortCall
from thunderagent.adapters.gateway.upstream import Pool

logger = logging.getLogger(__name__)

TIMEOUT_S = 2.0
"""Later it is of no use: the engine has seen by itself that its client has left."""
CREDENTIALS = (b"authorization", b"x-api-key")
"""Headers of the request that its abort is sent with."""


class Aborts:
    """Each is sent once, in the background."""

    def __init__(self, pool_of: Callable[[str], Pool]) -> None:
        self._pool_of = pool_of
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, url: str, call: AbortCall, lines: list[bytes]) -> None:
        """End a request of an engine; ``lines``: header lines that the request was sent with."""
        task = asyncio.create_task(self._send(url, call, lines), name="thunderagent-abort")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Send no more."""
        for task in self._tasks:
            task.cancel()

    async def _send(self, url: str, call: AbortCall, lines: list[bytes]) -> None:
        shown = [line for line in lines if line.partition(b":")[0] in CREDENTIALS]
        headers = [b"content-type: application/json", *shown]
        try:
            async with asyncio.timeout(TIMEOUT_S):
                reply = await self._pool_of(url).request(b"POST", call.path, headers, call.body, streamed=False)
        except (UpstreamError, TimeoutError) as error:
            logger.info("%s was not told that a client has left: %s", url, error or "it does not answer")
            return
        reply.close()
        if reply.status >= 400:
            logger.info("%s was not told that a client has left: it answers %d", url, reply.status)
