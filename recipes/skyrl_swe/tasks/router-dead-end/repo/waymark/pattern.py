"""Parsing of route patterns."""
import re
from dataclasses import dataclass
from typing import Optional
from urllib.parse import quote, unquote

from .converters import CONVERTERS, Converter

_PARAMETER = re.compile(r"\{(?P<name>[a-z_][a-z0-9_]*)(?::(?P<converter>[a-z]+))?\}")


class PatternError(ValueError):
    """A route that cannot be understood."""


@dataclass(frozen=True)
class Segment:
    """One part of a route: fixed text, or a parameter with a converter."""

    text: str
    converter: Optional[Converter] = None

    @property
    def is_static(self):
        return self.converter is None


def split_path(path):
    """Return the decoded segments of a path."""
    if not path.startswith("/"):
        raise ValueError(f"a path starts with a slash: {path!r}")
    return [unquote(part) for part in path.strip("/").split("/")] if path.strip("/") else []


def parse_pattern(pattern):
    """Return the segments of a route."""
    segments = []
    for part in split_path(pattern):
        match = _PARAMETER.fullmatch(part)
        if match is None:
            if "{" in part or "}" in part:
                raise PatternError(f"bad parameter in {pattern!r}: {part!r}")
            segments.append(Segment(part))
            continue
        converter = CONVERTERS.get(match["converter"] or "str")
        if converter is None:
            raise PatternError(f"unknown converter in {pattern!r}: {part!r}")
        if any(s.text == match["name"] for s in segments if not s.is_static):
            raise PatternError(f"parameter occurs twice in {pattern!r}: {part!r}")
        segments.append(Segment(match["name"], converter))
    return segments


def build_path(segments, values):
    """Fill the parameters of a route and return an escaped path."""
    parts = [s.text if s.is_static else s.converter.format(values[s.text]) for s in segments]
    return "/" + "/".join(quote(part, safe="") for part in parts)
