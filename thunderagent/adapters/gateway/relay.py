"""A generating request on its way: admission, the engine, further tries, and the answer back to the client."""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
import secrets
import time
from collections.abc import Callable

from thunderagent.adapters.gateway.aborts import Aborts
from thunderagent.adapters.gateway.access import Access, Need
from thunderagent.adapters.gateway.answer import Answered, Asked
from thunderagent.adapters.gateway.deadlines import Deadlines
from thunderagent.adapters.gateway.exchange import Exchange
from thunderagent.adapters.gateway.fleet import verdict
from thunderagent.adapters.gateway.headers import OURS_UPSTREAM, Headers, downstream, first, upstream_lines
from thunderagent.adapters.gateway.interruptions import Interruptions
from thunderagent.adapters.gateway.manage.metrics.http import HttpCounts
from thunderagent.adapters.gateway.problems import render, stream_problem
from thunderagent.adapters.gateway.program_ids import noted_program_id
from thunderagent.adapters.gateway.reply import Reply, UpstreamError
from thunderagent.adapters.gateway.retries import Retries
from thunderagent.adapters.gateway.retry import RETRIED_STATUSES, goes_elsewhere
from thunderagent.adapters.gateway.routes import Route, RouteOf, outgoing
from thunderagent.adapters.gateway.scheduling import Attach, Requests, Scheduling
from thunderagent.adapters.gateway.setbacks import (
    FailedTry,
    broken_off,
    draining,
    nobodys_containers,
    problem_of,
    timed_out,
    too_much_held,
    with_answer,
    without_answer,
)
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.gateway.shared_starts import NO_START
from thunderagent.adapters.gateway.tracing import TRACE, TRACE_HEADERS, Tracing
from thunderagent.adapters.gateway.upstream import Pool
from thunderagent.errors import RequestInterrupted, RequestProblem, TurnRefused
from thunderagent.runtime import Patience, Turn

logger = logging.getLogger(__name__)

NOT_FORWARDED = OURS_UPSTREAM | {b"accept-encoding"}
"""Usage is read from the answer, which therefore comes as it is."""
NOT_FORWARDED_WITH_KEYS = NOT_FORWARDED | {b"authorization", b"x-api-key"}
"""Where the gateway has keys of its own, these are for it."""
SESSION_HEADER = b"x-session-id"
"""What vLLM names in the events of its KV cache."""
NAMELESS = re.compile(r"request-[0-9a-f]{8}-[0-9]+")
"""What the gateways of a scheduler call requests without a program: programs of one turn."""
PROGRESS_EVENTS = 256
"""Events of a stream between two reports of its progress: a few per turn, each an event of the scheduler."""


class Relay:
    """Answers generating requests. One per gateway."""

    def __init__(
        self,
        runtime: Scheduling,
        settings: GatewaySettings,
        access: Access,
        fleet: Requests,
        *,
        counts: HttpCounts,
        pool_of: Callable[[str], Pool],
        route_of: RouteOf = Route,
        interruptions: Interruptions,
        saw_weights: Callable[[str, str], None],
        group_of: Callable[[str], str] | None = None,
        names_sessions: bool = False,
        attach: Attach,
        tracing: Tracing | None = None,
    ) -> None:
        """``pool_of``: connections to an engine, by its URL; ``group_of``: the RL prompt group that a program's id tells of.

        ``saw_weights``: told the version of the weights that a backend has answered with.
        ``names_sessions``: engines are told the program as ``X-Session-ID``.
        ``attach``: makes containers a program's.
        ``tracing``: makes spans of requests.
        """
        self._runtime, self._settings, self._access, self._fleet = runtime, settings, access, fleet
        self._tracing = tracing
        self._counts, self._pool_of, self._route_of, self._group_of = counts, pool_of, route_of, group_of
        self._interruptions, self._saw_weights = interruptions, saw_weights
        self._weight_version = "default"
        """Of the last answer that told it; at first what SGLang calls the weights that it was started with."""
        self._aborts = Aborts(pool_of)
        self._retries = Retries(settings, lambda: fleet.in_flight)
        self._patience = Patience(settings.max_wait_s, settings.max_queue)
        self._closed = bool(access.api)
        self._not_forwarded = NOT_FORWARDED_WITH_KEYS if access.api or access.admin else NOT_FORWARDED
        self._names_sessions = names_sessions
        if names_sessions:
            self._not_forwarded |= {SESSION_HEADER}
        self._deadlines = Deadlines(settings.timeout_s)
        if tracing is not None:
            self._not_forwarded |= TRACE_HEADERS
        self._numbers = itertools.count(1)
        self._nameless = f"request-{secrets.token_hex(4)}-"
        self._attach = attach
        self._held_bytes = 0
        self.draining = False
        """Whether new requests are refused."""

    async def handle(self, exchange: Exchange) -> None:
        """Answer one request, whatever happens. Cancelled when its client has left."""
        counts = self._counts
        counts.open_requests += 1
        if self._tracing is not None:
            TRACE.set(self._tracing.begin(exchange.dialect.path, exchange.headers))
        try:
            await self._answer(exchange)
        except RequestProblem as problem:
            self._tell(exchange, problem)
        except TurnRefused as refused:
            self._tell(exchange, problem_of(refused))
        except asyncio.CancelledError:
            if exchange.disconnected or not exchange.expired:
                counts.disconnects += exchange.disconnected
                raise
            self._tell(exchange, timed_out(self._settings.timeout_s))
        except Exception:
            logger.exception("a request to %s failed", exchange.dialect.path)
            self._tell(exchange, RequestProblem(500, "internal_error", "the gateway failed; its log says why"))
        finally:
            counts.open_requests -= 1
            if exchange.status:
                counts.answers[exchange.dialect.path, exchange.status] += 1
            trace = TRACE.get()
            if trace is not None:
                trace.end(exchange.status)

    def close(self) -> None:
        """Nothing is sent any more."""
        self._aborts.close()

    async def _answer(self, exchange: Exchange) -> None:
        if self.draining:
            exchange.keep_alive = False
            raise draining()
        if self._closed:
            self._access.check(Need.USE, exchange.headers)
        encoding = exchange.noted.get(b"content-encoding")
        if encoding is not None and encoding.lower() != b"identity":
            raise RequestProblem(415, "compressed_body", "request bodies must be sent without content-encoding")
        body = exchange.take_body()
        held_bytes = len(body)
        if self._held_bytes + held_bytes > self._settings.max_held_bytes:
            raise too_much_held(self._settings.max_held_bytes)
        asked = exchange.dialect.read(body)
        del body
        trace = TRACE.get()
        if trace is not None:
            trace.asked(asked.model)
        named = asked.program_id or noted_program_id(exchange.noted)
        program_id = named or f"{self._nameless}{next(self._numbers)}"
        self._held_bytes += held_bytes
        try:
            if asked.docker_ids:
                if named is None:
                    raise nobodys_containers()
                await self._attach(program_id, asked.docker_ids)
            await self._run(exchange, asked, program_id, nameless=named is None)
        except (RequestInterrupted, asyncio.CancelledError):
            if exchange.disconnected or not exchange.interrupted:
                raise
            self._tell_aborted(exchange, asked)
        finally:
            self._held_bytes -= held_bytes
            self._interruptions.over(exchange)
            ran = exchange.disconnected or (200 <= exchange.status < 400 and not exchange.interrupted)
            if named is None:
                self._runtime.release(program_id)
            elif not ran:
                self._runtime.withdraw(program_id)

    async def _run(self, exchange: Exchange, asked: Asked, program_id: str, *, nameless: bool) -> None:
        """One turn."""
        self._interruptions.hold(exchange, program_id)
        begins = not nameless and not self._runtime.knows(program_id)
        start = exchange.dialect.shared_start(asked.body) if begins else NO_START
        turn = self._runtime.turn(
            program_id,
            prompt_tokens=asked.prompt_tokens,
            prompt=asked.prompt,
            group="" if self._group_of is None else self._group_of(program_id),
            prefix=start.name,
            prefix_characters=start.characters,
            patience=self._patience,
        )
        async with turn:
            self._deadlines.begin(exchange.expire)
            try:
                await self._try(exchange, asked, turn)
            finally:
                self._deadlines.end(exchange.expire)

    async def _try(self, exchange: Exchange, asked: Asked, turn: Turn) -> None:
        """Until a try has given the client an answer, or there is none left."""
        lines = upstream_lines(exchange.headers, self._not_forwarded, exchange.noted.get(b"connection"))
        if self._names_sessions and turn.program_id.isascii():  # a header holds nothing else
            lines.append(SESSION_HEADER + b": " + turn.program_id.encode())
        trace = TRACE.get()
        if trace is not None:
            lines += trace.lines
        ends_at = time.monotonic() + self._settings.timeout_s
        attempt = 1
        failed = await self._send(exchange, asked, turn, lines, retry=False)
        while failed is not None:
            turn.failed(elsewhere=goes_elsewhere(attempt))
            self._interruptions.hold(exchange, turn.program_id)
            left_s = ends_at - time.monotonic()
            if not await self._retries.wait(failed.status, attempt, deadline_left_s=left_s, retry_after_s=failed.retry_after_s):
                raise failed.problem
            attempt += 1
            self._counts.retries += 1
            try:
                await turn.again()
            except BaseException:
                self._retries.over()
                raise
            failed = await self._send(exchange, asked, turn, lines, retry=True)

    async def _send(self, exchange: Exchange, asked: Asked, turn: Turn, lines: list[bytes], *, retry: bool) -> FailedTry | None:
        """One try; None: the client has its answer."""
        self._interruptions.over(exchange)
        backend = turn.backend
        route = self._route_of(backend)
        epoch = self._fleet.took(backend, retry=retry)
        ok: bool | None = None
        answered = runs = False
        request_id: str | None = None

        def sent(reply: Reply) -> None:
            nonlocal runs
            runs = True
            turn.on_lost = reply.drop
            if turn.lost:  # while it was connected to
                reply.drop()

        try:
            try:
                if turn.lost:  # after it was admitted, before it got here
                    raise UpstreamError(f"{backend} has left")
                lines, body, request_id = outgoing(route, exchange.dialect, asked, lines, turn.priority)
                reply = await self._pool_of(route.url).request(
                    *(b"POST", exchange.url, lines, body),
                    streamed=asked.stream,
                    first_byte_timeout_s=self._settings.first_byte_timeout_s,
                    sent=sent,
                )
            except UpstreamError as error:
                ok, runs = False, runs and error.began
                return without_answer(error)
            finally:
                if retry:  # it is over, or a request like all others
                    self._retries.over()
            answered = True
            try:
                if reply.status in RETRIED_STATUSES:
                    ok, runs = verdict(reply.status), False
                    return with_answer(reply.status, first(reply.headers, b"retry-after"), backend)
                ok = await self._pass_on(exchange, asked, turn, reply)
                runs = turn.lost and not reply.complete
                return None
            finally:
                reply.close()
        finally:
            self._fleet.ended(backend, None if turn.lost else ok, epoch, answered=answered)
            if runs and request_id is not None and route.abort is not None:
                self._aborts.send(route.url, route.abort(request_id), lines)

    async def _pass_on(self, exchange: Exchange, asked: Asked, turn: Turn, reply: Reply) -> bool:
        """Give the client the engine's answer; tells whether the engine did well."""
        headers = downstream(reply.headers)
        headers.append((b"x-thunder-backend", turn.backend.encode()))
        headers.append((b"x-thunder-wait-ms", b"%d" % round(turn.waited_s * 1000)))
        if not reply.complete or (asked.stream and reply.status == 200):
            return await self._stream(exchange, asked, turn, reply, headers)
        body = reply.body[0] if len(reply.body) == 1 else b"".join(reply.body)
        exchange.respond(reply.status, headers, body)  # before the accounts: nothing else runs in between
        if reply.status < 400:
            self._finish(turn, exchange.dialect.answered(body, asked))
        return reply.status < 500

    async def _stream(self, exchange: Exchange, asked: Asked, turn: Turn, reply: Reply, headers: Headers) -> bool:
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
        if not exchange.writable:  # it has not read its last answer yet
            reply.pause()
        exchange.begin(reply.status, headers, None if asked.stream else reply.length)
        try:
            await reply.pipe(take)
        except UpstreamError as error:
            if asked.stream and reply.status == 200:
                problem = broken_off(error)
                exchange.write(stream_problem(problem, exchange.dialect.anthropic))
            exchange.fail()
            return False
        except asyncio.CancelledError:
            if exchange.disconnected and reader.complete and (task := asyncio.current_task()) is not None:
                task.uncancel()  # its client has all that there is, and did not wait for the stream's own end
                self._finish(turn, reader.answered)
                return True
            if asked.stream and exchange.expired and not exchange.disconnected:
                exchange.write(stream_problem(timed_out(self._settings.timeout_s), exchange.dialect.anthropic))
            raise
        finally:
            exchange.on_writable = None
        exchange.write(reader.end())
        exchange.end()
        if reply.status < 400:
            self._finish(turn, reader.answered)
        return reply.status < 500

    def _finish(self, turn: Turn, answered: Answered) -> None:
        if answered.weight_version is not None:
            self._weight_version = answered.weight_version
            self._saw_weights(turn.backend, answered.weight_version)
        if answered.aborted:
            self._interruptions.told(turn.program_id)
        if answered.usage is not None:
            turn.finish(answered.usage, tool=answered.tool)

    def _tell_aborted(self, exchange: Exchange, asked: Asked) -> None:
        """It is not run any more."""
        if (task := asyncio.current_task()) is not None:
            task.uncancel()
        self._counts.problems["interrupted"] += 1
        assert exchange.dialect.aborted is not None, "only such requests are interrupted"
        content_type = b"text/event-stream" if asked.stream else b"application/json"
        body = exchange.dialect.aborted(asked, self._weight_version)
        exchange.respond(200, [(b"content-type", content_type)], body)

    def _tell(self, exchange: Exchange, problem: RequestProblem) -> None:
        self._counts.problems[problem.reason] += 1
        trace = TRACE.get()
        if trace is not None:
            trace.problem(problem.reason)
        if exchange.response_started:
            exchange.fail()
        else:
            exchange.respond(*render(problem, exchange.dialect.anthropic))
