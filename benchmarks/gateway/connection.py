"""A client's connection: one request at a time, the answer with its times, as cheap as Python can."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, cast

import httptools


class LoadError(Exception):
    """A proxy did not do what it should; the benchmark cannot go on."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    first_byte_s: float
    """From the request's first byte to the body's first byte."""
    took_s: float
    pieces: int
    """In which the body came."""


Done = Callable[["ClientConnection", Answer], None]


class ClientConnection(asyncio.Protocol):
    """Kept open; a callback for each answer, so that no task has to be woken up."""

    _transport: asyncio.Transport
    _parser: httptools.HttpResponseParser

    def __init__(self, name: str, index: int) -> None:
        self.index = index
        self._name = name
        self._done: Done | None = None
        self._failed: Callable[[LoadError], None] | None = None
        self._pieces: list[bytes] = []
        self._began_s = self._first_s = 0.0

    @classmethod
    async def open(cls, name: str, host: str, port: int, index: int = 0) -> Self:
        """Connect; the index tells connections of one target apart.

        Raises:
            LoadError: nobody listens there.
        """
        try:
            _, connection = await asyncio.get_running_loop().create_connection(lambda: cls(name, index), host, port)
        except OSError as error:
            raise LoadError(f"{name}: no connection to {host}:{port}: {error}") from error
        return connection

    def send(self, request: bytes, done: Done, failed: Callable[[LoadError], None]) -> None:
        """One of the two is called, later."""
        self._done, self._failed = done, failed
        self._pieces = []
        self._parser = httptools.HttpResponseParser(self)
        self._began_s, self._first_s = time.perf_counter(), 0.0
        self._transport.write(request)

    async def ask(self, request: bytes) -> Answer:
        """The same, for whoever waits."""
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.send(request, lambda _, answer: answered.set_result(answer), answered.set_exception)
        return await answered

    def close(self) -> None:
        """For good."""
        self._done = self._failed = None
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        if self._done is None:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"not HTTP: {error}")

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(f"the connection was closed before the answer's end ({error or 'without an error'})")

    def on_body(self, piece: bytes) -> None:
        if not self._pieces:
            self._first_s = time.perf_counter()
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        now_s = time.perf_counter()
        done, self._done = self._done, None
        if not self._parser.should_keep_alive():
            self._fail(f"answers {self._parser.get_status_code()} and closes the connection: {b''.join(self._pieces)[:200]!r}")
        elif done is not None:
            took_s, first_s = now_s - self._began_s, (self._first_s or now_s) - self._began_s
            done(self, Answer(self._parser.get_status_code(), b"".join(self._pieces), first_s, took_s, len(self._pieces)))

    def _fail(self, why: str) -> None:
        failed, self._done, self._failed = self._failed, None, None
        if failed is not None:
            failed(LoadError(f"{self._name}: {why}"))
