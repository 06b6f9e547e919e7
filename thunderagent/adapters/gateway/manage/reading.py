"""Reads what a management request says; whatever is wrong with it is a 400 that names the field."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec
from starlette.requests import Request

from thunderagent.errors import RequestProblem

T = TypeVar("T")
_DECIMAL = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")

MAX_BODY_BYTES = 1 << 20
"""Bodies here are a few fields; the longest program id is much shorter."""


async def body_of(request: Request, kind: type[T]) -> T:
    """The JSON body; an empty one is taken as ``{}``. Fields that are not known are let pass.

    Raises:
        RequestProblem: 413, too long; 400, not of this kind.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise RequestProblem(413, "body_too_large", f"the body is longer than {MAX_BODY_BYTES:,} bytes")
    try:
        return msgspec.json.decode(body.strip() or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise RequestProblem(400, "invalid_body", f"the body is not usable: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RequestProblem(400, "invalid_json", "the body is not valid JSON") from None


def one(request: Request, name: str) -> str | None:
    """A query parameter; None: it is not there.

    Raises:
        RequestProblem: 400, it is there more than once.
    """
    values = request.query_params.getlist(name)
    if len(values) > 1:
        raise RequestProblem(400, "invalid_parameter", f"{name} is given {len(values)} times", param=name)
    return values[0] if values else None


def integer(request: Request, name: str, default: int, low: int, high: int) -> int:
    """A query parameter that is a whole number.

    Raises:
        RequestProblem: 400, it is none, or not between ``low`` and ``high``.
    """
    text = one(request, name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high):
        raise RequestProblem(400, "invalid_parameter", f"{name} must be a whole number from {low} to {high}", param=name)
    return int(text)


def number(request: Request, name: str, default: float, low: float, high: float) -> float:
    """A query parameter that is a decimal number.

    Raises:
        RequestProblem: 400, it is none, or not between ``low`` and ``high``.
    """
    text = one(request, name)
    if text is None:
        return default
    if not (_DECIMAL.fullmatch(text) and low <= float(text) <= high):
        raise RequestProblem(400, "invalid_parameter", f"{name} must be a number from {low:g} to {high:g}", param=name)
    return float(text)


def choice(request: Request, name: str, allowed: tuple[str, ...]) -> str | None:
    """A query parameter that is one of a few words; None: it is not there.

    Raises:
        RequestProblem: 400, it is another word.
    """
    text = one(request, name)
    if text is not None and text not in allowed:
        raise RequestProblem(400, "invalid_parameter", f"{name} must be one of {', '.join(allowed)}", param=name)
    return text


def flag(request: Request, name: str) -> bool | None:
    """A query parameter that is ``true`` or ``false``; None: it is not there."""
    text = choice(request, name, ("true", "false"))
    return None if text is None else text == "true"
