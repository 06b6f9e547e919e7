"""Server-sent events: how all endpoints stream."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web


class EventStream:
    """One streamed answer."""

    def __init__(self) -> None:
        self._response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})

    async def open(self, request: web.Request) -> None:
        """Send the head."""
        await self._response.prepare(request)

    async def send(self, data: Any, event: str | None = None) -> None:
        """An event, with a name where the API has names."""
        name = b"" if event is None else b"event: %b\n" % event.encode()
        await self._response.write(b"%bdata: %b\n\n" % (name, orjson.dumps(data)))

    async def send_done(self) -> None:
        """What ends a stream of OpenAI's older APIs and of SGLang."""
        await self._response.write(b"data: [DONE]\n\n")

    async def close(self) -> web.StreamResponse:
        """That was all."""
        await self._response.write_eof()
        return self._response
