"""Problems in the shapes that clients' SDKs understand."""

from __future__ import annotations

import math

import msgspec

from thunderagent.errors import RequestProblem

Headers = list[tuple[bytes, bytes]]

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_ANTHROPIC_TYPES = _TYPES | {413: "request_too_large", 503: "overloaded_error", 504: "timeout_error", 529: "overloaded_error"}


def render(problem: RequestProblem, anthropic: bool) -> tuple[int, Headers, bytes]:
    """An answer: status, headers, body.

    OpenAI: ``{"error": {"message", "type", "param", "code"}}``, where the reason is the code.
    Anthropic: ``{"type": "error", "error": {"type", "message"}}``.
    """
    body = _body(problem, anthropic)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    wait_s = problem.retry_after_s
    if wait_s is not None and math.isfinite(wait_s):
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(wait_s))))
    return problem.status, headers, body


def stream_problem(problem: RequestProblem, anthropic: bool) -> bytes:
    """An event for a stream that breaks half-way. An event that was begun is ended first, so that this is one of its own."""
    return b"\n\n" + (b"event: error\n" if anthropic else b"") + b"data: " + _body(problem, anthropic) + b"\n\n"


def _body(problem: RequestProblem, anthropic: bool) -> bytes:
    message = str(problem)
    if anthropic:
        kind = _ANTHROPIC_TYPES.get(problem.status, "api_error" if problem.status >= 500 else "invalid_request_error")
        return msgspec.json.encode({"type": "error", "error": {"type": kind, "message": message}})
    kind = _TYPES.get(problem.status, "server_error" if problem.status >= 500 else "invalid_request_error")
    return msgspec.json.encode({"error": {"message": message, "type": kind, "param": problem.param, "code": problem.reason}})
