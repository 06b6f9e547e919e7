"""``GET /v1/models`` over all engines."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from thunderagent.adapters.gateway.headers import Headers, first, upstream_lines
from thunderagent.adapters.gateway.reply import UpstreamError
from thunderagent.adapters.gateway.upstream import Pool
from thunderagent.errors import RequestProblem

TIMEOUT_S = 5.0
"""An engine that takes longer is left out."""


async def merged_models(pools: Sequence[Pool], headers: Headers, without: frozenset[bytes]) -> bytes:
    """The models of all engines that answer, each id once, as one list.

    Raises:
        RequestProblem: 503; no engine answers.
    """
    lines = upstream_lines(headers, without | {b"accept-encoding"}, first(headers, b"connection"))
    answers = await asyncio.gather(*(_models(pool, lines) for pool in pools))
    found = [models for models in answers if models is not None]
    if not found:
        raise RequestProblem(503, "no_backend", "no engine tells its models", retry_after_s=5.0)
    by_id: dict[str, Any] = {}
    for model in (model for models in found for model in models):
        if isinstance(model, dict) and isinstance(model.get("id"), str):
            by_id.setdefault(model["id"], model)
    return msgspec.json.encode({"object": "list", "data": list(by_id.values())})


async def _models(pool: Pool, lines: list[bytes]) -> list[Any] | None:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reply = await pool.request(b"GET", b"/v1/models", lines, None, streamed=False)
            reply.close()
    except (UpstreamError, TimeoutError):
        return None
    if reply.status != 200:
        return None
    try:
        page = msgspec.json.decode(b"".join(reply.body))
    except (msgspec.DecodeError, RecursionError):
        return None
    models = page.get("data") if isinstance(page, dict) else None
    return models if isinstance(models, list) else None
