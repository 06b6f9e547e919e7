"""A raw HTTP client: one connection, bytes as they are, and every way to leave."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any, cast

from tests.adapters.gateway.reliability.apis import CHAT, request


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool = True
    """False: the connection ended before the answer did."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        """The machine-readable one of an error."""
        return cast(str, self.json["error"].get("code") or self.json["error"]["type"])

    @property
    def retry_after_s(self) -> int:
        return int(self.headers["retry-after"])


class Client:
    """Connected already."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, port: int, host: str = "127.0.0.1") -> Client:
        return cls(*await asyncio.open_connection(host, port, limit=16 << 20))

    # Out

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def send(self, body: bytes, path: str = CHAT, *, headers: str = "", method: str = "POST", version: str = "1.1") -> None:
        """One request with a Content-Length."""
        head = f"{method} {path} HTTP/{version}\r\nhost: gateway\r\n{headers}content-length: {len(body)}\r\n\r\n"
        await self.write(head.encode() + body)

    async def ask(
        self, path: str = CHAT, *, stream: bool = False, program_id: str | None = None, headers: str = "", **more: Any
    ) -> Answer:
        """One request and its whole answer; ``more`` is for its body."""
        await self.send(request(path, stream=stream, program_id=program_id, **more), path, headers=headers)
        return await self.answer()

    async def post(self, path: str, body: bytes = b"", headers: str = "") -> Answer:
        """A request that is no turn."""
        await self.send(body, path, headers=headers)
        return await self.answer()

    async def get(self, path: str) -> Answer:
        await self.write(f"GET {path} HTTP/1.1\r\nhost: gateway\r\n\r\n".encode())
        return await self.answer()

    # In

    async def head(self) -> tuple[int, dict[str, str]]:
        """Status and headers of the next answer."""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = (line.split(": ", 1) for line in lines[1:] if line)
        return int(lines[0].split(" ")[1]), {name.lower(): value for name, value in headers}

    async def answer(self, *, headless: bool = False) -> Answer:
        """The next answer; ``headless``: to a HEAD."""
        status, headers = await self.head()
        if headless or status in (100, 204, 304):
            return Answer(status, headers, b"")
        if "content-length" in headers:
            body = await self.reader.readexactly(int(headers["content-length"]))
            return Answer(status, headers, body)
        if headers.get("transfer-encoding") != "chunked":
            return Answer(status, headers, await self.reader.read())
        pieces = []
        whole = True
        try:
            while piece := await self.piece():
                pieces.append(piece)
        except (asyncio.IncompleteReadError, ConnectionError):
            whole = False
        return Answer(status, headers, b"".join(pieces), whole)

    async def piece(self) -> bytes:
        """The next chunk; empty: the last one."""
        size = int(await self.reader.readuntil(b"\r\n"), 16)
        piece = await self.reader.readexactly(size)
        assert await self.reader.readexactly(2) == b"\r\n"
        return piece

    async def ended(self) -> bool:
        """Wait for the end of the connection; whether nothing more came."""
        try:
            return await self.reader.read() == b""
        except ConnectionError:
            return True

    # Leaving

    def leave(self) -> None:
        """Close the connection in an orderly way."""
        self.writer.close()

    def vanish(self) -> None:
        """Break it."""
        self.writer.transport.abort()
