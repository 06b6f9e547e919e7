"""Pages, and the blocks in them with their marks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[3]
MARK = re.compile(r"<!-- test: (\w+)(?:, (.+))? -->\s*")
MARKS = {"gpu": False, "background": False, "elsewhere": True, "no": True}
"""Whether they say more."""


class BadMark(Exception):
    """A comment that no block goes with, or that says nothing."""


@dataclass(frozen=True)
class Block:
    """One fence."""

    page: Path
    line: int
    """Of its first line of text, from 1."""
    language: str
    text: str
    mark: str = ""
    """One of ``MARKS``; empty: it is run."""
    said: str = ""
    """The test of ``elsewhere``, the reason of ``no``."""

    def __str__(self) -> str:
        return f"{shown(self.page)}:{self.line}"


def shown(page: Path) -> str:
    """As it is called in what is said."""
    return str(page.relative_to(ROOT) if page.is_relative_to(ROOT) else page)


def pages() -> list[Path]:
    """All that have blocks."""
    found = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*/README.md")]
    return sorted(page for page in found if "```" in page.read_text(encoding="utf-8"))


def blocks(page: Path) -> list[Block]:
    """Those of a page, in order.

    Raises:
        BadMark: names page and line.
    """
    found, mark, mark_end = [], ("", ""), -1
    for token in MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8")):
        if token.map is None or token.type not in ("html_block", "fence"):
            continue
        start, end = token.map
        if mark[0] and (token.type, start) != ("fence", mark_end):
            raise BadMark(f"{page}:{mark_end}: no block in the next line")
        if token.type == "fence":
            found.append(Block(page, start + 2, token.info.strip(), token.content, *mark))
            mark = ("", "")
        elif token.content.startswith("<!-- test:"):
            mark, mark_end = _mark(token.content, f"{page}:{start + 1}"), end
    if mark[0]:
        raise BadMark(f"{page}:{mark_end}: no block in the next line")
    return found


def _mark(comment: str, where: str) -> tuple[str, str]:
    match = MARK.fullmatch(comment)
    if match is None or match[1] not in MARKS:
        raise BadMark(f"{where}: {comment.strip()}: must be one of {', '.join(MARKS)}")
    if MARKS[match[1]] != bool(match[2]):
        raise BadMark(f"{where}: {comment.strip()}: {'says no more' if match[2] else 'needs a test or a reason behind a comma'}")
    return match[1], match[2] or ""
