"""Right and wrong pages, and the numbers on them."""

from __future__ import annotations

import json
from typing import Any

from thunderagent.adapters.engines import prometheus
from thunderagent.adapters.engines.engine import Http, Page
from thunderagent.errors import EngineProblem

LARGEST_TOKENS = 10**12
"""No KV cache holds as many; a larger number is a mistake."""


def metrics_of(page: Page, path: str) -> bytes:
    """A whole page in Prometheus' format.

    Raises:
        EngineProblem: it is something else; the message says what.
    """
    _require_answer(page, path)
    problem = prometheus.problem(page.body)
    if problem is not None:
        raise EngineProblem(f"{path} {problem}")
    return page.body


def json_of(page: Page, path: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        EngineProblem: it is something else; the message says what.
    """
    _require_answer(page, path)
    try:
        told = json.loads(page.body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise EngineProblem(f"{path} is no JSON object")
    return told


async def optional_json(http: Http, *paths: str) -> dict[str, Any] | None:
    """Of the first of these paths that has a JSON object; None: none has.

    Raises:
        EngineProblem: the engine does not answer.
    """
    for path in paths:
        page = await http.get(path)
        if page.status < 300:
            try:
                return json_of(page, path)
            except EngineProblem:
                continue
    return None


def tokens(value: Any) -> int | None:
    """A number of tokens that can be one's capacity; None: it is not told.

    Raises:
        ValueError: it is nonsense.
    """
    if value is None:
        return None
    number = float(value)
    if not 0 < number < LARGEST_TOKENS:  # NaN is not either
        raise ValueError(value)
    return int(number)


def count(value: Any) -> int | None:
    """Of requests or tokens; None: it is not told, or nonsense."""
    number = _number(value)
    return None if number is None or not 0 <= number < 1 << 60 else int(number)


def share(value: Any) -> float | None:
    """From 0 to 1; None: it is not told, or nonsense."""
    number = _number(value)
    return None if number is None or not 0 <= number <= 1 else number


def _number(value: Any) -> float | None:
    return value if type(value) in (int, float) else None


def _require_answer(page: Page, path: str) -> None:
    if page.status != 200:
        raise EngineProblem(f"{path} answers {page.status}", dead=page.status >= 500)
