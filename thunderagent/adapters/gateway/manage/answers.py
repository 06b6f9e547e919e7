"""Answers as bytes."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

from thunderagent.adapters.gateway.problems import render
from thunderagent.errors import RequestProblem

_ENCODER = msgspec.json.Encoder()


def as_json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON of any msgspec type."""
    return Response(_ENCODER.encode(content), status, headers, media_type="application/json")


def as_problem(problem: RequestProblem, headers: dict[str, str] | None = None) -> Response:
    """A problem in OpenAI's shape."""
    status, rendered, body = render(problem, anthropic=False)
    own = {name.decode(): value.decode() for name, value in rendered if name.lower() != b"content-length"}
    return Response(body, status, {**own, **(headers or {})})
