"""Many engines in one process: each port answers ``/metrics`` with the same page of a real vLLM, and as it would, with the wanted
series of it alone; anything else with 404. ``whole`` as the third argument: it cannot leave anything out."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import cast

import uvloop

from thunderagent.adapters.engines.vllm import CACHE, LOAD, START

NAME = re.compile(rb"^# (HELP|TYPE) ")
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


class Engine(asyncio.Protocol):
    """One connection; requests come one after the other and in one piece."""

    page = filtered = b""
    _transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        """It asks."""
        if data.startswith(b"GET /metrics "):
            self._transport.write(self.page)
        else:
            self._transport.write(self.filtered if data.startswith(b"GET /metrics/?name") else NOT_FOUND)


def filtered(page: bytes) -> bytes:
    """The wanted series with their comments."""
    names = {name.encode() for name in (START, CACHE, *LOAD.values())}
    return b"".join(line for line in page.splitlines(True) if NAME.sub(b"", line).partition(b"{")[0].split()[0] in names)


def answer(page: bytes) -> bytes:
    """With its head."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {len(page)}\r\n\r\n"
    return head.encode() + page


async def serve(count: int, page: bytes, whole: bool) -> None:
    """Until the process is ended; their ports are printed first."""
    Engine.page, Engine.filtered = answer(page), NOT_FOUND if whole else answer(filtered(page))
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(Engine, "127.0.0.1", 0) for _ in range(count)]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    await loop.create_future()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), Path(sys.argv[2]).read_bytes(), whole="whole" in sys.argv))
