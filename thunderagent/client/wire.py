"""The gateway's endpoints for tools: paths, and errors out of answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from thunderagent.errors import SandboxError, SandboxGone, SandboxProblem, SandboxRefused

RELEASE = "/programs/release"
GONE = frozenset({"unknown_sandbox", "unknown_container"})
REFUSED = "sandbox_refused"
"""Reasons of problems, as the gateway calls them."""


def base_url(url: str) -> str:
    """Of the gateway; OpenAI's clients are given it with ``/v1``."""
    return url.rstrip("/").removesuffix("/v1")


def tools_path(program_id: str, *more: str) -> str:
    """Of the program's sandboxes, or of one of them and what is done with it."""
    return "/".join((f"/programs/{_encoded(program_id)}/tools", *map(_encoded, more)))


def ports_path(program_id: str) -> str:
    """Of the program's ports."""
    return f"/programs/{_encoded(program_id)}/ports"


def read(program_id: str, status: int, headers: Mapping[str, str], body: bytes) -> Any:
    """The JSON of an answer.

    Raises:
        SandboxError: it is a problem.
    """
    try:
        content = json.loads(body)
    except ValueError:
        raise SandboxProblem(f"the gateway answered {status} without JSON; is it a gateway of thunderagent?") from None
    if status < 400:
        return content
    raise _error(program_id, status, headers, content)


def _error(program_id: str, status: int, headers: Mapping[str, str], content: Any) -> SandboxError:
    error = content.get("error") if isinstance(content, dict) else None
    error = error if isinstance(error, dict) else {}
    message, reason = str(error.get("message") or f"the gateway answered {status}"), error.get("code")
    if reason in GONE:
        return SandboxGone(message)
    if reason == REFUSED:
        return SandboxRefused(program_id, message, _seconds(headers.get("retry-after")))
    return SandboxProblem(message, permanent=status not in (429, 503, 504))


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isdecimal() else None


def _encoded(part: str) -> str:
    """One segment, dots as well: ``..`` would lead elsewhere."""
    return quote(part, safe="").replace(".", "%2E")
