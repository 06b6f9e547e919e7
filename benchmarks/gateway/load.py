"""Load on one target, every answer verified byte for byte, and what the target's processes used for it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from benchmarks.gateway import dialect
from benchmarks.gateway.connection import Answer, ClientConnection, LoadError
from benchmarks.gateway.target import Target, cpu_s

PROMPT_TOKENS = re.compile(rb'"prompt_tokens":(\d+)')
REWRITTEN_BYTES, REWRITTEN_SHARE = 1_024, 0.1
"""By so much may the body that the engine got differ from what was sent: routers write JSON anew, with fields of their own."""


RequestOf = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class Load:
    """What a number of requests took."""

    requests: int
    chunks: int
    wall_s: float
    cpu_s: float
    """Of the target's processes; 0 for one without a process id."""

    @property
    def cpu_us_per_request(self) -> float:
        return 1e6 * self.cpu_s / self.requests

    @property
    def cpu_us_per_chunk(self) -> float:
        return 1e6 * self.cpu_s / self.chunks


class Verifier:
    """Knows what the engine answers to requests of one kind: a full look at the first, equal bytes from then on."""

    def __init__(self, target: Target, body_bytes: int, stream_tokens: int | None = None) -> None:
        self._target, self._body_bytes, self._stream_tokens = target, body_bytes, stream_tokens
        self._good: bytes | None = None

    def __call__(self, answer: Answer) -> None:
        """
        Raises:
            LoadError: it is anything else than the engine's answer to the whole request.
        """
        if answer.status == 200 and answer.body == self._good:
            return
        found = PROMPT_TOKENS.search(answer.body, max(0, len(answer.body) - 400))
        prompt_tokens = int(found[1]) if found else -1
        got_bytes = prompt_tokens * dialect.BYTES_PER_TOKEN
        if self._stream_tokens is None:
            expected = dialect.answer(prompt_tokens)
        else:
            expected = dialect.stream(prompt_tokens, self._stream_tokens)
        whole_request = abs(got_bytes - self._body_bytes) <= REWRITTEN_BYTES + REWRITTEN_SHARE * self._body_bytes
        if answer.status != 200 or answer.body != expected or not whole_request:
            raise LoadError(f"{self._target.name}: {_difference(answer, expected)}")
        self._good = answer.body


def turns(target: Target, body_bytes: int, stream_tokens: int | None = None) -> dialect.Turns:
    """Chat requests of programs, as this target is told of them."""
    body = dialect.chat(body_bytes, id_in_body=target.id_in_body, stream_tokens=stream_tokens)
    headers = {} if target.id_in_body else {"X-Session-ID": dialect.PROGRAM}
    return dialect.Turns(dialect.http_request(f"{target.host}:{target.port}", body, headers))


@contextlib.asynccontextmanager
async def connections(target: Target, number: int) -> AsyncIterator[list[ClientConnection]]:
    """Open until the block ends."""
    opened: list[ClientConnection] = []
    try:
        while len(opened) < number:
            opened.append(await ClientConnection.open(target.name, target.host, target.port, len(opened)))
        yield opened
    finally:
        for each in opened:
            each.close()


async def drive(
    target: Target,
    through: Sequence[ClientConnection],
    request_of: RequestOf,
    numbers: range,
    verify: Callable[[Answer], None],
) -> Load:
    """Closed loop: every connection sends the next request as soon as it has its answer.

    Args:
        request_of: Makes the request of a connection, by its index, and of a number.
        numbers: Of all requests, in the order in which they are sent.
    """
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    left = iter(numbers)
    answered = 0

    def fail(error: LoadError) -> None:
        if not over.done():
            over.set_exception(error)

    def done(connection: ClientConnection, answer: Answer) -> None:
        nonlocal answered
        try:
            verify(answer)
        except LoadError as error:
            fail(error)
            return
        answered += 1
        following = next(left, None)
        if following is not None:
            connection.send(request_of(connection.index, following), done, fail)
        elif answered == len(numbers) and not over.done():
            over.set_result(None)

    used_s, began_s = _cpu_s(target), time.perf_counter()
    for connection, number in zip(through, left, strict=False):
        connection.send(request_of(connection.index, number), done, fail)
    await over
    return Load(len(numbers), 0, time.perf_counter() - began_s, _cpu_s(target) - used_s)


async def closed_loop(target: Target, *, body_bytes: int, connected: int, total: int, programs: int | None = None) -> Load:
    """Requests that are not streamed; one before on each connection that does not count.

    Args:
        programs: That take turns; None: one for each connection, so that none has two requests at once.
    """
    turn, tracked = turns(target, body_bytes), programs or connected
    verify = Verifier(target, body_bytes)

    def request_of(index: int, number: int) -> bytes:
        return turn((number // connected * connected + index) % tracked, number)

    async with connections(target, connected) as through:
        await drive(target, through, request_of, range(connected), verify)
        return await drive(target, through, request_of, range(connected, connected + total), verify)


async def streams(target: Target, *, number: int, tokens: int, verify: Callable[[Answer], None] | None = None) -> Load:
    """So many streams side by side, each on a connection of its own, which had a request before."""
    body_bytes = dialect.SMALL_BYTES
    plain, streamed = turns(target, body_bytes), turns(target, body_bytes, tokens)
    exact = Verifier(target, body_bytes, tokens)
    async with connections(target, number) as through:
        await drive(target, through, lambda index, _: plain(index, 0), range(number), Verifier(target, body_bytes))
        load = await drive(target, through, lambda index, _: streamed(index, 1), range(number), verify or exact)
    return Load(load.requests, number * tokens, load.wall_s, load.cpu_s)


def _cpu_s(target: Target) -> float:
    return 0.0 if target.pid is None else cpu_s(target.pid)


def _difference(answer: Answer, expected: bytes) -> str:
    if answer.status != 200:
        return f"answers {answer.status}: {answer.body[:300]!r}"
    at = next((index for index, (got, want) in enumerate(zip(answer.body, expected, strict=False)) if got != want), None)
    if at is None and len(answer.body) == len(expected):
        return f"the engine got a body of another length: {answer.body[-200:]!r}"
    at = min(len(answer.body), len(expected)) if at is None else at
    return (
        f"an answer of {len(answer.body):,} bytes, not {len(expected):,}; they differ from byte {at:,} on: "
        f"{answer.body[at : at + 80]!r}, not {expected[at : at + 80]!r}"
    )
