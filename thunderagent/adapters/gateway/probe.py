"""Asks an engine whether it is alive, and, if it had failed to, whether it generates again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Protocol

PROBE_TIMEOUT_S = 5.0
"""For each question. One token of a one-word prompt takes an idle engine some milliseconds."""
HEADERS = {"Content-Type": "application/json"}


class Fetch(Protocol):
    """One HTTP request with a whole answer; raises if there is none."""

    async def __call__(
        self, backend_id: str, method: str, path: str, *, headers: Mapping[str, str], body: bytes, timeout_s: float
    ) -> tuple[int, bytes]:
        """Status and body."""
        ...


async def probe(fetch: Fetch, backend_id: str, *, generation: bool) -> bool:
    """Whether the engine, or the rank of it, answers, and with ``generation`` also whether it completes one token.

    An answer of 4xx is one of a living engine: it may want a key, or not have the endpoint.
    """
    status, _ = await fetch(backend_id, "GET", "/health", headers={}, body=b"", timeout_s=PROBE_TIMEOUT_S)
    if status >= 500 or not generation:
        return status < 500
    status, page = await fetch(backend_id, "GET", "/v1/models", headers={}, body=b"", timeout_s=PROBE_TIMEOUT_S)
    model = _first_model(page) if status < 400 else None
    if model is None:
        return status < 500
    request = json.dumps({"model": model, "prompt": "a", "max_tokens": 1}).encode()
    status, _ = await fetch(backend_id, "POST", "/v1/completions", headers=HEADERS, body=request, timeout_s=PROBE_TIMEOUT_S)
    return status < 500


def _first_model(page: bytes) -> str | None:
    try:
        model = json.loads(page)["data"][0]["id"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return model if isinstance(model, str) else None
