"""A generating request on its way: admission, the engine, retries, and the answer back to the client."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

from thunderagent.adapters.gateway.answer import Asked
from thunderagent.adapters.gateway.body import valid_program_id
from thunderagent.adapters.gateway.exchange import Exchange
from thunderagent.adapters.gateway.headers import Headers, downstream, upstream_lines
from thunderagent.adapters.gateway.problems import render, stream_problem
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.gateway.upstream import Pool, Reply, UpstreamError
from thunderagent.errors import RequestProblem, TurnRefused
from thunderagent.runtime import Patience, Runtime, Turn

PROGRAM_HEADERS = (b"x-program-id", b"x-session-id")
"""The first that is there counts; a ``program_id`` in the body goes before both."""
NOT_FORWARDED = (b"accept-encoding",)
"""Usage is read from the answer, which therefore comes as it is."""
PROGRESS_EVENTS = 256
"""Events of a stream between two reports of its progress: a few per turn, each an event of the scheduler."""
STATUS_OF_CAUSE = {
    "no_backend": 503,
    "context_too_large": 400,
    "too_many_programs": 429,
    "program_released": 409,
    "queue_full": 429,
    "wait_timeout": 503,
}
"""HTTP status of a refused turn, by its cause."""


class Relay:
    """Answers generating requests. One per gateway."""

    def __init__(self, runtime: Runtime, settings: GatewaySettings, pool_of: Callable[[str], Pool]) -> None:
        self._runtime = runtime
        self._settings = settings
        self._pool_of = pool_of
        self._patience = Patience(settings.max_wait_s, settings.max_queue)
        self._numbers = itertools.count(1)
        self.in_flight = 0
        self.draining = False
        """Whether new requests are refused."""

    async def handle(self, exchange: Exchange) -> None:
        """Answer one request, whatever happens; by cancellation if its client has left."""
        self.in_flight += 1
        try:
            await self._answer(exchange)
        except RequestProblem as problem:
            self._tell(exchange, problem)
        except TurnRefused as refused:
            self._tell(exchange, problem_of(refused))
        except asyncio.CancelledError:
            if not exchange.expired or exchange.disconnected:
                raise
            self._tell(exchange, RequestProblem(504, "timeout", f"not answered within {self._settings.timeout_s:g} s"))
        finally:
            self.in_flight -= 1

    async def _answer(self, exchange: Exchange) -> None:
        if self.draining:
            raise RequestProblem(503, "draining", "this gateway is shutting down; send it to another", retry_after_s=1)
        asked = exchange.dialect.read(exchange.body)
        exchange.chunks = []
        named = asked.program_id or _program_of(exchange.headers)
        program_id = named or f"request-{next(self._numbers)}"
        try:
            turn = self._runtime.turn(program_id, prompt_tokens=asked.prompt_tokens, prompt=asked.prompt, patience=self._patience)
            async with turn:
                deadline = exchange.deadline(self._settings.timeout_s)
                try:
                    await self._send(exchange, asked, turn)
                finally:
                    deadline.cancel()
        finally:
            if named is None:
                self._runtime.release(program_id)

    async def _send(self, exchange: Exchange, asked: Asked, turn: Turn) -> None:
        lines = upstream_lines(exchange.headers, NOT_FORWARDED)
        pool = self._pool_of(turn.backend)
        turn.on_lost = pool.close
        reply = await pool.request(b"POST", exchange.url, lines, asked.body, streamed=asked.stream)
        try:
            headers = downstream(reply.headers)
            headers.append((b"x-thunder-backend", turn.backend.encode()))
            headers.append((b"x-thunder-wait-ms", b"%d" % round(turn.waited_s * 1000)))
            if reply.complete and not asked.stream:
                body = reply.body[0] if len(reply.body) == 1 else b"".join(reply.body)
                exchange.respond(reply.status, headers, body)
                if reply.status < 400:
                    _finish(turn, exchange.dialect.answered(body))
            else:
                await self._stream(exchange, asked, turn, reply, headers)
        finally:
            reply.close()

    async def _stream(self, exchange: Exchange, asked: Asked, turn: Turn, reply: Reply, headers: Headers) -> None:
        reader = exchange.dialect.stream(asked)
        events = reported = 0

        def take(piece: bytes) -> None:
            nonlocal events, reported
            if not events:
                turn.first_token()
            events += piece.count(b"data:")
            if events - reported >= PROGRESS_EVENTS:
                reported = events
                turn.progress(events)
            exchange.write(reader.feed(piece))

        exchange.on_writable = lambda writable: reply.resume() if writable else reply.pause()
        exchange.begin(reply.status, headers, None if asked.stream else reply.length)
        try:
            await reply.pipe(take)
        except UpstreamError as error:
            problem = RequestProblem(502, "backend_failed", str(error))
            if asked.stream:
                exchange.write(reader.end() + stream_problem(problem, exchange.dialect.anthropic))
            exchange.fail()
            return
        finally:
            exchange.on_writable = None
        exchange.write(reader.end())
        exchange.end()
        if reply.status < 400:
            _finish(turn, reader.answered)

    def _tell(self, exchange: Exchange, problem: RequestProblem) -> None:
        if not exchange.response_started:
            exchange.respond(*render(problem, exchange.dialect.anthropic))
        else:
            exchange.fail()


def problem_of(refused: TurnRefused) -> RequestProblem:
    """A refused turn, as its client is told."""
    status = STATUS_OF_CAUSE.get(refused.cause, 503)
    return RequestProblem(status, refused.cause, refused.reason, retry_after_s=refused.retry_after_s)


def _program_of(headers: Headers) -> str | None:
    for wanted in PROGRAM_HEADERS:
        for name, value in headers:
            if name == wanted:
                return valid_program_id(value)
    return None


def _finish(turn: Turn, answered: object) -> None:
    usage = getattr(answered, "usage", None)
    if usage is not None:
        turn.finish(usage, tool=getattr(answered, "tool", ""))
