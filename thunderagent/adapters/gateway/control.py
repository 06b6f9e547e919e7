"""Sends a request that acts on engines to one or all of them, and tells the scheduler what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from thunderagent.adapters.gateway.controls import Control, Said
from thunderagent.adapters.gateway.headers import Headers, downstream, first, upstream_lines
from thunderagent.adapters.gateway.holds import Holds
from thunderagent.adapters.gateway.passthrough import ENGINE_HEADER, target
from thunderagent.adapters.gateway.reply import UpstreamError
from thunderagent.adapters.gateway.upstream import Pool
from thunderagent.errors import RequestProblem
from thunderagent.runtime import Runtime

JSON: Headers = [(b"content-type", b"application/json")]
FAILED = "engines_failed"
"""The reason, for machines, when not all have done it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """To the client, or of one engine. ``status`` None: there was none, ``body`` says why."""

    status: int | None
    headers: Headers
    body: bytes


class Controller:
    """One per gateway."""

    def __init__(
        self,
        runtime: Runtime,
        holds: Holds,
        *,
        pool_of: Callable[[str], Pool],
        backends_of: Callable[[str], Sequence[str]],
        without: frozenset[bytes],
        timeout_s: float,
    ) -> None:
        """``backends_of``: ids of an engine's backends. ``without``: headers that do not go on. ``timeout_s``: of each."""
        self._runtime, self._holds, self._pool_of, self._backends_of = runtime, holds, pool_of, backends_of
        self._without, self._timeout_s = without | {ENGINE_HEADER, b"accept-encoding"}, timeout_s

    async def run(self, control: Control, scope: Mapping[str, Any], body: bytes, engines: Sequence[str]) -> Answer:
        """Act on these engines, all at once. Goes on to its end though its client leaves: engines would not be as they are known.

        The answer is that of the engine where there is one; else it tells of each, and has the status of all or 502.

        Raises:
            RequestProblem: 503, no engine is up, or the only one does not answer; 400, it is for one engine and names none.
        """
        if not engines:
            raise RequestProblem(503, "no_backend", "no engine is up", retry_after_s=5.0)
        if control.for_one and len(engines) > 1:
            raise RequestProblem(
                400,
                "engine_not_named",
                f"{scope['path']} acts on one engine; name it in X-Thunder-Backend: one of {', '.join(engines)}",
                param="X-Thunder-Backend",
            )
        acting = asyncio.gather(*(self._act(control, scope, body, engine) for engine in engines))
        answers = dict(zip(engines, await asyncio.shield(acting), strict=True))
        return _only(answers[engines[0]]) if len(engines) == 1 else _of_all(answers)

    async def _act(self, control: Control, scope: Mapping[str, Any], body: bytes, engine: str) -> Answer:
        answer = await self._ask(scope, body, engine)
        if answer.status == 200:
            said = Said(dict(parse_qsl(scope["query_string"].decode("latin-1"))), _object(body), _object(answer.body))
            if control.loses_kv(said):
                for backend in self._backends_of(engine):
                    self._runtime.lose_cache(backend)
            self._holds.go_on(engine, control.goes_on(said))
            self._holds.stop(engine, control.stops(said))
        return answer

    async def _ask(self, scope: Mapping[str, Any], body: bytes, engine: str) -> Answer:
        lines = upstream_lines(scope["headers"], self._without, first(scope["headers"], b"connection"))
        method = scope["method"].encode()
        sent = body if body or scope["method"] != "GET" else None
        try:
            async with asyncio.timeout(self._timeout_s):
                reply = await self._pool_of(engine).request(method, target(scope), lines, sent, streamed=False)
                reply.close()
        except UpstreamError as error:
            return Answer(None, JSON, str(error).encode())
        except TimeoutError:
            return Answer(None, JSON, f"{engine} does not answer within {self._timeout_s:g} s".encode())
        return Answer(reply.status, downstream(reply.headers), b"".join(reply.body))


def _only(answer: Answer) -> Answer:
    if answer.status is None:
        raise RequestProblem(503, "backend_failed", answer.body.decode(), retry_after_s=1.0)
    return answer


def _of_all(answers: Mapping[str, Answer]) -> Answer:
    """Per engine: its status, null where there is none, and its answer or what is wrong."""
    engines = {url: {"status": answer.status, "answer": _json_or_text(answer.body)} for url, answer in answers.items()}
    statuses = {answer.status for answer in answers.values()}
    if statuses == {200}:
        return Answer(200, JSON, msgspec.json.encode({"engines": engines}))
    status = statuses.pop() if len(statuses) == 1 else None
    failed = [url for url, answer in answers.items() if answer.status != 200]
    message = f"{len(failed)} of {len(answers)} engines did not do it: {', '.join(failed)}"
    error = {"message": message, "type": "server_error", "param": None, "code": FAILED}
    return Answer(status or 502, JSON, msgspec.json.encode({"error": error, "engines": engines}))


def _object(text: bytes) -> dict[str, Any]:
    value = _json_or_text(text)
    return value if isinstance(value, dict) else {}


def _json_or_text(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text) if text.strip() else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return text.decode("utf-8", "replace")
