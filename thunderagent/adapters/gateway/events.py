"""Server-sent events as bytes: where one ends, and what its data is. Lines end with LF, CR LF or CR, as the standard has it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_END_OF_LINE = rb"(?:\r\n|\n|\r(?!\n))"
END_OF_EVENT = re.compile(_END_OF_LINE + _END_OF_LINE)
"""An empty line. At the end of what has come so far, a CR ends the event although an LF of the same line end may still follow."""

_LINES = re.compile(rb"\r\n|\n|\r")
_NEXT_LINE_OF_DATA = re.compile(rb"(?:\r\n|\n|\r)data:")
_COLON = re.compile(rb"\s*:\s*(?=\{)")
_JSON = json.JSONDecoder()
_MAX_OBJECT_BYTES = 64 << 10
"""A longer object is none that counts of tokens or a tool's name are in."""


def data_of(event: bytes) -> bytes:
    """The data of one event: its ``data:`` lines, joined."""
    return b"\n".join(line[5:] for line in _LINES.split(event) if line.startswith(b"data:"))


def objects(text: bytes, key: bytes) -> Iterator[dict[str, Any]]:
    """The JSON objects that stand in a stretch of a stream as values of a key (``"usage"``, quotes included), first to last.

    The stretch may begin and end anywhere: what is cut off is left out. The key is not found inside of strings, where its quotes
    are escaped.
    """
    at = text.find(key)
    while at >= 0:
        at += len(key)
        found = _object_at(text, at)
        if found is not None:
            yield found
        at = text.find(key, at)


def last_objects(text: bytes, key: bytes) -> Iterator[dict[str, Any]]:
    """The same, last to first."""
    at = text.rfind(key)
    while at >= 0:
        found = _object_at(text, at + len(key))
        if found is not None:
            yield found
        at = text.rfind(key, 0, at)


def _object_at(text: bytes, at: int) -> dict[str, Any] | None:
    rest = _NEXT_LINE_OF_DATA.sub(b"\n", text[at : at + _MAX_OBJECT_BYTES])
    colon = _COLON.match(rest)
    if colon is None:
        return None
    try:
        value = _JSON.raw_decode(rest[colon.end() :].decode(errors="replace"))[0]
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
