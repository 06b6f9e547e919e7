"""A gateway's live feed, read: once, or for ever, over its outages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import aiohttp
import msgspec

from thunderagent.adapters.gateway.manage.live import Question
from thunderagent.adapters.gateway.manage.snapshot import Snapshot
from thunderagent.errors import GatewayProblem

CONNECT_TIMEOUT_S = 5.0
SILENT_S = 10.0
"""A gateway that tells nothing for so much longer than it should is away, whatever its connection says."""
RETRY_S = 1.0
"""People look on: they see it come back at once, and one request a second hurts nobody."""
MAX_EVENT_BYTES = 16 << 20
"""Many times that of 2,000 programs: whatever sends more is no gateway."""


class Feed:
    """Of one gateway."""

    def __init__(self, url: str, key: str | None, interval_s: float) -> None:
        self.url, self.interval_s = url, interval_s
        self._was_there = False
        self._headers = {} if key is None else {"Authorization": f"Bearer {key}"}

    async def once(self, question: Question) -> bytes:
        """One snapshot, as JSON.

        Raises:
            GatewayProblem: there is none.
        """
        async with self._asking("/live.json", question) as response:
            return await response.read()

    async def follow(self, question: Question) -> AsyncIterator[Snapshot | str]:
        """A snapshot each interval; while there is none, why, once for each outage.

        Raises:
            GatewayProblem: there has never been one: the address or the key is wrong.
        """
        away = False
        while True:
            try:
                async with self._asking("/live", question, interval_s=self.interval_s) as response:
                    async for event in _events(response.content):
                        yield read(event)
                        away, self._was_there = False, True
            except GatewayProblem as problem:
                if not self._was_there:
                    raise
                if not away:
                    away = True
                    yield str(problem)
            await asyncio.sleep(RETRY_S)

    @asynccontextmanager
    async def _asking(self, path: str, question: Question, **more: float) -> AsyncIterator[aiohttp.ClientResponse]:
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT_S, sock_read=self.interval_s + SILENT_S)
        target = f"{self.url}{path}?{urlencode({**question._asdict(), **more})}"
        try:
            async with aiohttp.ClientSession(timeout=timeout, headers=self._headers) as session, session.get(target) as response:
                if response.status != 200:
                    raise GatewayProblem(f"{self.url}: {_refusal(response.status, await response.read())}")
                yield response
        except TimeoutError:
            raise GatewayProblem(f"{self.url}: it does not answer in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise GatewayProblem(f"{self.url}: nothing answers there: {error or type(error).__name__}") from None


def read(told: bytes) -> Snapshot:
    """A snapshot of its JSON.

    Raises:
        GatewayProblem: it is none, or that of another version.
    """
    try:
        return msgspec.json.decode(told, type=Snapshot)
    except msgspec.DecodeError as error:
        raise GatewayProblem(f"what it tells is not what this version of thunderagent understands: {error}") from None


async def _events(stream: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """The data of server-sent events. A line of the feed is longer than what readers of lines take."""
    rest = b""
    async for chunk in stream.iter_any():
        *whole, rest = (rest + chunk).split(b"\n\n")
        for event in whole:
            if event.startswith(b"data: "):
                yield event[6:]
        if len(rest) > MAX_EVENT_BYTES:
            raise GatewayProblem("it sends no events of a gateway")


def _refusal(status: int, body: bytes) -> str:
    if status == 404:
        return "there is no live feed (404): it is no gateway of this version, or management has a port of its own (--admin-port)"
    try:
        return f"{json.loads(body)['error']['message']} ({status})"
    except (ValueError, KeyError, TypeError):
        return f"it answers with status {status}"
