"""``GET /live.json`` and ``GET /live``: what happens now, once or again and again. Who asks the same shares the answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Send

from thunderagent.adapters.gateway.access import Need
from thunderagent.adapters.gateway.manage.endpoint import Endpoint, Parameter
from thunderagent.adapters.gateway.manage.managed import Managed
from thunderagent.adapters.gateway.manage.reading import choice, integer, number
from thunderagent.adapters.gateway.manage.snapshot import SORTS, Snapshot, snapshot
from thunderagent.errors import RequestProblem

EVENTS = "text/event-stream"
DEFAULT_PROGRAMS, MAX_PROGRAMS = 200, 2_000
"""More than any screen shows; so many are about 700 kB."""
DEFAULT_INTERVAL_S, MIN_INTERVAL_S, MAX_INTERVAL_S = 1.0, 0.1, 60.0
FRESH_S = 0.05
"""Who asks so soon after another gets the same answer: however many watch, the loop makes at most 20 a second of each kind."""
MAX_KEPT = 8
"""Answers to different questions; watchers seldom ask more than one."""
MAX_WATCHERS = 100
DRAIN_LOOK_S = 0.5
"""A stream notices so soon that the gateway is about to stop, and does not hold it up."""
STALLED_S = 30.0
"""A watcher that reads nothing for so long has gone, whatever its connection says."""
RETRY = b"retry: 2000\n\n"
"""Milliseconds after which browsers come back when the stream ends."""


class Question(NamedTuple):
    """Which snapshot."""

    programs: int
    sort: str


class Feed:
    """The snapshots of one gateway, for all who watch it."""

    def __init__(self, gateway: Managed) -> None:
        self._gateway = gateway
        self._made: dict[tuple[Question, bool], tuple[float, bytes]] = {}
        """By question and whether the gateway drains: the last event of a stream has to say so."""
        self.watchers = 0
        """Streams that are open."""

    def encoded(self, question: Question) -> bytes:
        """The snapshot as JSON, at most ``FRESH_S`` old."""
        now_s = asyncio.get_running_loop().time()
        key = question, self._gateway.draining
        made = self._made.get(key)
        if made is not None and 0 <= now_s - made[0] < FRESH_S:
            return made[1]
        body = msgspec.json.encode(snapshot(self._gateway, *question))
        self._made.pop(key, None)
        while len(self._made) >= MAX_KEPT:
            del self._made[next(iter(self._made))]
        self._made[key] = now_s, body
        return body

    async def events(self, question: Question, interval_s: float) -> AsyncIterator[bytes]:
        """Server-sent events, for all watchers at the same moments. While the gateway drains, there is one and no more."""
        self.watchers += 1
        try:
            yield RETRY
            while True:
                draining = self._gateway.draining
                yield b"data: %b\n\n" % self.encoded(question)
                if draining:
                    return
                await self._next(interval_s)
        finally:
            self.watchers -= 1

    async def _next(self, interval_s: float) -> None:
        loop = asyncio.get_running_loop()
        at_s = (loop.time() // interval_s + 1) * interval_s
        while (left_s := at_s - loop.time()) > 0 and not self._gateway.draining:  # noqa: ASYNC110 - nobody tells of a drain
            await asyncio.sleep(min(left_s, DRAIN_LOOK_S))


class EventStream(StreamingResponse):
    """Ends when the client leaves, or stops reading."""

    async def stream_response(self, send: Send) -> None:
        """As it comes."""

        async def in_time(message: Message) -> None:
            async with asyncio.timeout(STALLED_S):
                await send(message)

        with contextlib.suppress(TimeoutError):
            await super().stream_response(in_time)


async def live_json(gateway: Managed, request: Request) -> Response:
    """What waits and runs comes first, unless ``sort`` says otherwise. At most 50 ms old."""
    feed: Feed = request.app.state.feed
    return Response(feed.encoded(_question(request)), media_type="application/json", headers=_UNKEPT)


async def live(gateway: Managed, request: Request) -> Response:
    """The same object as ``data`` of an event, at once and then every ``interval_s``, until the client leaves."""
    feed: Feed = request.app.state.feed
    question = _question(request)
    interval_s = number(request, "interval_s", DEFAULT_INTERVAL_S, MIN_INTERVAL_S, MAX_INTERVAL_S)
    if feed.watchers >= MAX_WATCHERS:
        raise RequestProblem(429, "too_many_watchers", f"{MAX_WATCHERS} streams are open already; ask for /live.json instead")
    if request.method == "HEAD":
        return Response(media_type=EVENTS, headers=_UNKEPT)
    return EventStream(feed.events(question, interval_s), media_type=EVENTS, headers=_UNKEPT)


def _question(request: Request) -> Question:
    programs = integer(request, "programs", DEFAULT_PROGRAMS, 0, MAX_PROGRAMS)
    return Question(programs, choice(request, "sort", SORTS) or SORTS[0])


_UNKEPT = {"cache-control": "no-store", "x-accel-buffering": "no"}
"""No proxy keeps it, or holds events back until there are many (nginx)."""
_LIMIT = {"type": "integer", "minimum": 0, "maximum": MAX_PROGRAMS, "default": DEFAULT_PROGRAMS}
_WHICH = (
    Parameter("programs", "At most so many programs.", _LIMIT),
    Parameter("sort", "Their order.", {"type": "string", "enum": list(SORTS), "default": SORTS[0]}),
)
_INTERVAL = Parameter(
    "interval_s",
    "Seconds between two events.",
    {"type": "number", "minimum": MIN_INTERVAL_S, "maximum": MAX_INTERVAL_S, "default": DEFAULT_INTERVAL_S},
)

ENDPOINTS = (
    Endpoint("GET", "/live.json", Need.READ, live_json, "What happens now", {200: Snapshot}, _WHICH),
    Endpoint(
        "GET",
        "/live",
        Need.READ,
        live,
        "What happens now, again and again",
        {200: EVENTS},
        (*_WHICH, _INTERVAL),
        problems={429: "Too many streams are open already."},
    ),
)
