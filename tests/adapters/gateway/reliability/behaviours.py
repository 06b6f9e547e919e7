"""What fake engines do with a generating request."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

from tests.adapters.gateway.reliability.apis import answer, event, last_events
from tests.adapters.gateway.reliability.fake_engine import Behaviour, Visit

SSE_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """As it is written in chunked encoding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


async def answers(visit: Visit) -> None:
    """Answer at once, with events if they are asked for."""
    if not visit.stream:
        visit.respond(200, answer(visit.path))
        return
    last = chunk(event(visit.path)) + chunk(last_events(visit.path)) + b"0\r\n\r\n"
    await visit.write(SSE_HEAD + last)
    visit.end()


async def stalls(visit: Visit) -> None:
    """Say nothing at all."""
    await visit.left


async def begins(visit: Visit) -> None:
    """Give the first part of an answer."""
    if visit.stream:
        await visit.write(SSE_HEAD + chunk(event(visit.path)))
    else:
        await visit.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n" + b'{"text":')


async def falls_silent(visit: Visit) -> None:
    """Begin to answer, then stall."""
    await begins(visit)
    await visit.left


async def chats(visit: Visit) -> None:
    """Go on for as long as somebody listens."""
    await begins(visit)
    while True:
        await asyncio.sleep(0.001)
        await visit.write(chunk(event(visit.path)) if visit.stream else b" " * 10)


async def resets(visit: Visit) -> None:
    """Break the connection without a word."""
    visit.reset()


async def breaks_off(visit: Visit) -> None:
    """Begin to answer, then break the connection."""
    await begins(visit)
    visit.close()


async def talks_nonsense(visit: Visit) -> None:
    """Answer with something that is not HTTP."""
    await visit.write(b"\x00\x01 what is this? \r\n\r\n")
    visit.close()


def fails(status: int = 500, headers: str = "") -> Behaviour:
    """Answer with an error."""

    async def failing(visit: Visit) -> None:
        visit.respond(status, b'{"error":{"message":"no"}}', f"content-type: application/json\r\n{headers}")

    return failing


def once_open(gate: asyncio.Event, then: Behaviour = answers) -> Behaviour:
    """Wait for the gate before anything is said."""

    async def waiting(visit: Visit) -> None:
        await gate.wait()
        await then(visit)

    return waiting


def one_after_the_other(*behaviours: Behaviour) -> Behaviour:
    """Another one for each request, the last one for all that follow."""
    left = list(behaviours)

    async def next_one(visit: Visit) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(visit)

    return next_one


def sometimes(share: float, faults: Sequence[Behaviour], seed: int) -> Behaviour:
    """One of these faults in a share of all requests."""
    drawn = random.Random(seed)

    async def drawing(visit: Visit) -> None:
        await (drawn.choice(faults) if drawn.random() < share else answers)(visit)

    return drawing
