"""Cut a template source into tokens."""

import re
from typing import NamedTuple

_TOKEN = re.compile(r"\{\{(?P<value>.*?)\}\}|\{%(?P<tag>.*?)%\}", re.DOTALL)


class TemplateError(ValueError):
    """Raised for a template that cannot be compiled."""


class Token(NamedTuple):
    kind: str
    text: str
    line: int


def tokenize(source):
    """Yield tokens of the kinds ``text``, ``value`` and ``tag`` in order."""
    position = 0
    for match in _TOKEN.finditer(source):
        if match.start() > position:
            yield Token("text", source[position:match.start()], _line(source, position))
        kind = match.lastgroup
        content = match.group(kind).strip()
        if not content:
            raise TemplateError(f"line {_line(source, match.start())}: empty {kind}")
        yield Token(kind, content, _line(source, match.start()))
        position = match.end()
    if position < len(source):
        yield Token("text", source[position:], _line(source, position))


def _line(source, position):
    return source.count("\n", 0, position) + 1
