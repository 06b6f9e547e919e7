"""SkyRL's generate requests, and what is read of their answers."""

from __future__ import annotations

import functools
import hashlib
import logging
from typing import Any

from thunderagent.core import Usage
from thunderagent.runtime import EngineTiming, Turn

logger = logging.getLogger(__name__)

GENERATE_PATHS = ("/inference/v1/generate", "/skyrl/v1/generate")


def generate_path(url: str) -> str | None:
    """Which of them a URL ends with; None: it is for something else."""
    return next((path for path in GENERATE_PATHS if url.endswith(path)), None)


def with_valid_salt(body: dict[str, Any]) -> dict[str, Any]:
    """The same request with a salt that vLLM takes.

    SkyRL 0.3 salts the prefix cache with ``{model}@{weight version}``. vLLM refuses ``@`` and ``/`` since 0.32; any string that
    is different for different salts does as well.
    """
    salt = body.get("cache_salt")
    if not salt:
        return body
    return {**body, "cache_salt": hashlib.sha256(str(salt).encode()).hexdigest()}


@functools.cache
def _warn_of_unknown_hits(backend: str) -> None:
    logger.warning("engine %s tells no cached tokens: serve vLLM with --enable-prompt-tokens-details for KV hit rates", backend)


def report(turn: Turn, body: dict[str, Any]) -> None:
    """Take usage and, where the engine gives it, timing from a generate response."""
    usage = body.get("usage")
    if not usage:
        return
    details = usage.get("prompt_tokens_details") or {}
    if "cached_tokens" not in details:
        _warn_of_unknown_hits(turn.backend)
    timing = body.get("timing")
    turn.finish(
        Usage(usage["prompt_tokens"], usage["completion_tokens"], details.get("cached_tokens")),
        EngineTiming(timing["queued_s"], timing["prefill_s"], timing["decode_s"]) if timing else None,
    )
