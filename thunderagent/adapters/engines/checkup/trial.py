"""A tiny request, sent: what no page tells. The same prompt twice, then streamed, then streamed and left."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from thunderagent.adapters.engines.checkup.client import Client, NoAnswer
from thunderagent.adapters.engines.checkup.facts import Trial, Usage
from thunderagent.adapters.engines.engine import Engine, Page
from thunderagent.errors import EngineProblem

Sleep = Callable[[float], Awaitable[object]]

CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
NO_CHAT = (400, 404, 405, 422)
"""A model without a chat template."""
MAX_TOKENS = 2
PROMPT_BLOCKS = 3
"""Engines find whole blocks of a prompt again; the last one is not always among them."""
LEAST_WORDS, MOST_WORDS = 64, 1_024
LEFT_TOKENS = 4_096
"""Of the request that is left: no engine writes so many while its end is waited for."""
ABORT_WITHIN_S = 6.0
"""SGLang looks after two to four seconds whether a client is still there."""
SHOWN_WITHIN_S = 3.0
"""SGLang renews what it tells of its load about once in a second."""
LOOK_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Subject:
    """What is tried."""

    model: str
    longest_tokens: int | None
    block_tokens: int | None
    rank: int | None
    """The data-parallel rank that all requests name, so that the second finds what the first has left; None: none."""


async def try_out(http: Client, engine: Engine, subject: Subject, *, sleep: Sleep = asyncio.sleep) -> Trial:
    """Send the requests; whatever goes wrong is part of what comes back."""
    headers = {} if subject.rank is None else {"X-data-parallel-rank": str(subject.rank)}
    try:
        path, body, first, took_s = await _first(http, subject, headers)
    except EngineProblem as error:
        return Trial(problem=str(error))
    trial = Trial(took_s=took_s, first=_usage(first))
    try:
        trial = replace(trial, again=_usage(_answered(path, (await http.ask(path, body, headers)).page)))
        streamed = await http.ask(path, {**body, "stream": True, "stream_options": {"include_usage": True}}, headers)
        trial = replace(trial, streamed=_last_usage(_answered(path, streamed.page)))
    except EngineProblem as error:
        return replace(trial, stream_problem=str(error), abort_unknown="the stream before it failed")
    request = path, _long(body, subject), headers
    aborted, unknown = await _leave(http, engine, request, sleep)
    return replace(trial, aborted=aborted, abort_unknown=unknown)


async def _first(http: Client, subject: Subject, headers: dict[str, str]) -> tuple[str, dict[str, Any], Page, float]:
    """The path that takes it, the body, the answer and its time."""
    prompt = _prompt(subject)
    body = {"model": subject.model, "max_tokens": MAX_TOKENS}
    chat = {**body, "messages": [{"role": "user", "content": prompt}]}
    answer = await http.ask(CHAT, chat, headers)
    if answer.page.status in NO_CHAT:
        plain = {**body, "prompt": prompt}
        other = await http.ask(COMPLETIONS, plain, headers)
        if other.page.status == 200:
            return COMPLETIONS, plain, other.page, other.took_s
    return CHAT, chat, _answered(CHAT, answer.page), answer.took_s


def _prompt(subject: Subject) -> str:
    """Long enough for some blocks. Nobody has sent it before: its first words are drawn."""
    words = min(max(LEAST_WORDS, PROMPT_BLOCKS * (subject.block_tokens or 0)), MOST_WORDS)
    if subject.longest_tokens is not None:
        words = min(words, max(1, subject.longest_tokens // 8))  # a word may be several tokens
    return " ".join([secrets.token_hex(4), *["word"] * words])


def _long(body: dict[str, Any], subject: Subject) -> dict[str, Any]:
    tokens = LEFT_TOKENS if subject.longest_tokens is None else min(LEFT_TOKENS, subject.longest_tokens // 4)
    return {**body, "stream": True, "max_tokens": tokens, "ignore_eos": True}


async def _leave(
    http: Client, engine: Engine, request: tuple[str, dict[str, Any], dict[str, str]], sleep: Sleep
) -> tuple[bool | None, str | None]:
    """Whether the engine lets go of a request whose client goes away; None with a reason: it cannot be seen."""
    try:
        if await _in_flight(http, engine) != 0:
            return None, "it is busy, or does not tell its load"
        async with http.stream(*request) as answer:
            if not await answer.readline():
                return None, "its stream is empty"
            if not await _comes(http, engine, sleep, SHOWN_WITHIN_S, lambda requests: requests != 0):
                return None, "its metrics do not show the request"
        return await _comes(http, engine, sleep, ABORT_WITHIN_S, lambda requests: requests == 0), None
    except EngineProblem as error:
        return None, str(error)


async def _comes(http: Client, engine: Engine, sleep: Sleep, within_s: float, wanted: Callable[[int | None], bool]) -> bool:
    """Whether the number of requests in flight becomes one that is wanted."""
    for _ in range(round(within_s / LOOK_EVERY_S)):
        if wanted(await _in_flight(http, engine)):
            return True
        await sleep(LOOK_EVERY_S)
    return False


async def _in_flight(http: Client, engine: Engine) -> int | None:
    counts = [count for rank in (await engine.read(http)).ranks for count in (rank.running, rank.waiting)]
    return None if None in counts else sum(count or 0 for count in counts)


def _answered(path: str, page: Page) -> Page:
    if page.status != 200:
        raise NoAnswer(f"{path} answers {page.status}: {_message(page)}", "")
    return page


def _message(page: Page) -> str:
    """Of an error, in one line."""
    told = _json(page.body)
    error = told.get("error", told)
    text = error.get("message") or error.get("detail") if isinstance(error, dict) else error
    return " ".join(str(text or page.body[:200].decode("utf-8", "replace")).split())[:200]


def _usage(page: Page) -> Usage:
    return _read_usage(_json(page.body)) or Usage()


def _last_usage(page: Page) -> Usage | None:
    """Of the events of a stream."""
    events = [line.removeprefix(b"data:") for line in page.body.splitlines() if line.startswith(b"data:")]
    return next((usage for usage in map(_read_usage, map(_json, reversed(events))) if usage is not None), None)


def _read_usage(answer: dict[str, Any]) -> Usage | None:
    usage = answer.get("usage")
    if not isinstance(usage, dict):
        return None
    details = usage.get("prompt_tokens_details")
    return Usage(_count(usage.get("prompt_tokens")), _count(details.get("cached_tokens")) if isinstance(details, dict) else None)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _json(text: bytes) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
