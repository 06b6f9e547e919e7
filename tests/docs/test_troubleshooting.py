"""Every message that the page on troubleshooting quotes is one of the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
LEFT_OUT = "..."
"""Stands for what a message has there, names and numbers above all."""
END = "\0"
"""Of one text."""
ENOUGH = 25


def _quoted() -> list[str]:
    """In the first column of the tables."""
    rows = re.findall(r"(?m)^\| (.+?) \|", PAGE)
    return [quoted for row in rows for quoted in re.findall(r"`([^`]+)`", row)]


def _literals() -> Iterator[str]:
    """All text in the code; what is filled in is left out of it."""
    for file in (ROOT / "thunderagent").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.sub(r"%[sdg]", LEFT_OUT, node.value)
            elif isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else LEFT_OUT for part in node.values)


def test_every_message_that_is_quoted_is_one_of_the_code() -> None:
    code = END.join(_literals())

    def is_there(quoted: str) -> bool:
        pieces = [re.escape(piece) for piece in quoted.split(LEFT_OUT) if piece.strip(" ,;:()")]
        return re.search(f"[^{END}]*?".join(pieces), code) is not None

    assert [quoted for quoted in _quoted() if not is_there(quoted)] == []


def test_there_are_enough_of_them_to_be_of_use() -> None:
    messages = [quoted for quoted in _quoted() if " " in quoted]
    assert len(messages) >= ENOUGH
    assert len(set(messages)) == len(messages), "each once"
