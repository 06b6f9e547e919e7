"""Tables and texts of the pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """With an empty line after it."""
    lines = [f"| {' | '.join(titles)} |", "|" + "---|" * len(titles)]
    return [*lines, *(f"| {' | '.join(cell(text) for text in row)} |" for row in rows), ""]


def cell(text: str) -> str:
    """In one line, without what would end it; angle brackets are words, not HTML."""
    return plain(text).replace("|", "\\|")


def plain(text: str) -> str:
    """One paragraph of a docstring."""
    return re.sub(r"\s+", " ", text).strip().replace("``", "`")


def sentence(text: str) -> str:
    """As a sentence."""
    text = plain(text)
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", ":", "?", "!")) or not text else f"{text}."


def code(text: str) -> str:
    """Nothing of nothing."""
    return f"`{text}`" if text else ""
