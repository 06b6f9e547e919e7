"""Many engines in one process: each port answers ``/metrics`` with the same page of a real engine, and anything else with 404."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import cast

import uvloop

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


class Engine(asyncio.Protocol):
    """One connection; requests come one after the other and in one piece."""

    page = b""
    _transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        """It asks."""
        self._transport.write(self.page if data.startswith(b"GET /metrics ") else NOT_FOUND)


async def serve(count: int, page: bytes) -> None:
    """Until the process is ended; their ports are printed first."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {len(page)}\r\n\r\n"
    Engine.page = head.encode() + page
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(Engine, "127.0.0.1", 0) for _ in range(count)]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    await loop.create_future()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), Path(sys.argv[2]).read_bytes()))
