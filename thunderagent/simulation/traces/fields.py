"""Fields of a recorded line, read with care: whatever they hold, there is a value or a ``BadRecord``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_TOKENS = 100_000_000
"""In one request; no model has such a context, so a larger number is damage."""
MAX_SECONDS = 1e11
"""Unix times of this millennium are below it."""


class BadRecord(Exception):
    """A record that cannot be used; says why. It does not leave this package."""


@dataclass(frozen=True, slots=True)
class Record:
    """One JSON object of a file."""

    where: str
    """Such as ``line 3``."""
    fields: Mapping[str, Any]


def tokens(fields: Mapping[str, Any], name: str) -> int:
    """A count of tokens that must be there."""
    count = optional_tokens(fields, name)
    if count is None:
        raise BadRecord(f"{name} is missing")
    return count


def optional_tokens(fields: Mapping[str, Any], name: str) -> int | None:
    """A count of tokens; None if it is missing or null."""
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_TOKENS or value != int(value):
        raise BadRecord(f"{name} is no count of tokens")
    return int(value)


def optional_seconds(fields: Mapping[str, Any], name: str, unit_s: float = 1.0) -> float | None:
    """A time or a duration, which is given in units of so many seconds; None if it is missing or null."""
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_SECONDS / unit_s:
        raise BadRecord(f"{name} is no time")
    return float(value) * unit_s


def optional_text(fields: Mapping[str, Any], *names: str) -> str:
    """The first of these fields that is there, text or a whole number; empty if none is."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value) if abs(value) < 2**63 else "a number too long"
        if value is not None:
            raise BadRecord(f"{name} is no text")
    return ""


def objects(fields: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A list of JSON objects that must be there."""
    value = fields.get(name)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise BadRecord(f"{name} is no list of objects")
    return value
