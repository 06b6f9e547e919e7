"""Looks at engines: asks each what its facts are, all at once, and has them judged."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace

import aiohttp

from thunderagent.adapters.engines.checkup.client import Answer, Client, NoAnswer, connection_trace
from thunderagent.adapters.engines.checkup.facts import Facts, Model
from thunderagent.adapters.engines.checkup.finding import Checkup
from thunderagent.adapters.engines.checkup.setup import models_of, setup_of
from thunderagent.adapters.engines.checkup.together import judged_together
from thunderagent.adapters.engines.checkup.trial import Sleep, Subject, try_out
from thunderagent.adapters.engines.checkup.wording import NAMES
from thunderagent.adapters.engines.detect import SKYRL_GENERATE, detect, engine_of
from thunderagent.adapters.engines.engine import Engine
from thunderagent.adapters.engines.reading import EngineKind, Reading
from thunderagent.adapters.engines.vllm import METRICS
from thunderagent.errors import EngineProblem

MODELS = "/v1/models"
WANTS_KEY = (401, 403)
FOR_POST = 405
"""To a GET: the path is there, for POST."""
GATEWAY = b"\nthunderagent_"
"""Begins the names of the gateway's own metrics."""
TITLE = re.compile(rb"<title[^>]*>\s*(.{1,80}?)\s*</title>", re.IGNORECASE | re.DOTALL)


async def check_up(
    urls: Sequence[str], *, timeout_s: float, request: bool = True, key: str | None = None, sleep: Sleep = asyncio.sleep
) -> list[Checkup]:
    """Look at every engine.

    Args:
        urls: as ``urls.engine_url`` gives them.
        timeout_s: for connecting and answering, of each page and of each request.
        request: send some tiny requests too.
        key: sent to all of them as ``Authorization: Bearer``.
        sleep: between looks at whether a request has ended.
    """
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, trace_configs=[connection_trace()], timeout=aiohttp.ClientTimeout(total=None)
    ) as session:
        clients = [Client(session, url, timeout_s, key) for url in urls]
        facts = await asyncio.gather(*(facts_of(client, request=request, sleep=sleep) for client in clients))
    return judged_together(facts)


async def facts_of(client: Client, *, request: bool, sleep: Sleep = asyncio.sleep) -> Facts:
    """Of one engine; whatever is wrong with it is one of them."""
    try:
        first = await client.ask(MODELS)
    except NoAnswer as problem:
        return Facts(client.url, problem=str(problem), advice=problem.advice)
    at = Facts(client.url, answered_s=first.took_s, addresses=await client.addresses())
    try:
        kind = await _kind(client)
    except EngineProblem as problem:
        return replace(at, problem=str(problem), advice=getattr(problem, "advice", None))
    if kind is None:
        stranger, advice = await _stranger(client, first)
        return replace(at, problem=stranger, advice=advice)
    engine = engine_of(kind)
    setup = await setup_of(client, kind)
    await _read(client, engine)  # an engine's configuration is asked with the second look
    reading, reading_problem = await _read(client, engine)
    models, models_problem = _models(first)
    trial = None
    if request and models:
        rank = reading.ranks[0].index if reading is not None and reading.routes_ranks else None
        trial = await try_out(
            client, engine, Subject(models[0].name, models[0].longest_tokens, setup.block_tokens, rank), sleep=sleep
        )
    return replace(
        at,
        kind=kind,
        asks_for_key=first.page.status in WANTS_KEY or client.has_key,
        models=models,
        models_problem=models_problem,
        reading=reading,
        reading_problem=reading_problem,
        setup=setup,
        trial=trial,
    )


async def _kind(client: Client) -> EngineKind | None:
    """What answers; SkyRL's servers are told from vLLM, because their flags are."""
    kind = await detect(client)
    if kind is EngineKind.VLLM and (await client.get(SKYRL_GENERATE)).status == FOR_POST:
        return EngineKind.SKYRL
    return kind


async def _read(client: Client, engine: Engine) -> tuple[Reading | None, str | None]:
    try:
        return await engine.read(client), None
    except EngineProblem as problem:
        return None, str(problem)


def _models(answer: Answer) -> tuple[tuple[Model, ...], str | None]:
    """Those that it serves, and why they are not known."""
    if answer.page.status in WANTS_KEY:
        return (), f"it asks for an API key, or for another one ({MODELS} answers {answer.page.status})"
    try:
        return models_of(answer.page), None
    except EngineProblem as problem:
        return (), str(problem)


async def _stranger(client: Client, first: Answer) -> tuple[str, str]:
    """What it is if it is no engine, and what to do."""
    page = first.page
    correct = f"correct the address; it must be that of {', '.join(NAMES.values())}"
    if 300 <= page.status < 400:
        return f"sends its clients to {first.location} ({page.status})", "name the address that it sends them to"
    if b"<html" in page.body[:1_000].lower() or page.content_type.partition(";")[0] == "text/html":
        title = TITLE.search(page.body)
        named = f" ({title[1].decode('utf-8', 'replace')})" if title is not None else ""
        return f"a web page{named}, no engine ({MODELS} answers {page.status})", correct
    try:
        metrics = await client.get(METRICS)
    except EngineProblem as gone:
        return str(gone), correct
    if GATEWAY in b"\n" + metrics.body:
        return "a gateway of thunderagent", "name the engines behind it"
    if page.status >= 500:
        return f"{MODELS} answers {page.status}", "look into the engine's log; it may still be loading its model"
    return f"no engine that is known ({MODELS} answers {page.status}, {page.content_type or 'of no type'})", correct
