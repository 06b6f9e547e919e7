"""Conversion of path segments.

A converter has a `rank` (lower is tried first), and two functions. `parse` returns
a value or raises ValueError, `format` does the opposite.
"""
import re
from dataclasses import dataclass
from typing import Any, Callable

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True)
class Converter:
    """Named rules for the text of one segment."""

    name: str
    rank: int
    parse: Callable[[str], Any]
    format: Callable[[Any], str] = str


def _parse_int(text):
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"not a number: {text!r}")
    return int(text)


def _parse_slug(text):
    if _SLUG.fullmatch(text) is None:
        raise ValueError(f"not a slug: {text!r}")
    return text


CONVERTERS = {
    converter.name: converter
    for converter in (
        Converter("int", 0, _parse_int),
        Converter("slug", 1, _parse_slug),
        Converter("str", 2, str),
    )
}
