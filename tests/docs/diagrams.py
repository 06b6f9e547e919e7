"""The diagrams of the documents, as text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NODE = re.compile(r'^ *(\w+)\["(.+)"\]$', re.MULTILINE)
ARROW = re.compile(r"^ *(\w+) --> (\w+)$", re.MULTILINE)


@dataclass(frozen=True)
class Diagram:
    """One block of Mermaid."""

    document: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}: {self.text.split()[0]}"

    @property
    def nodes(self) -> dict[str, frozenset[str]]:
        """What each box of a flowchart lists, a line each."""
        return {name: frozenset(label.split("<br>")) for name, label in NODE.findall(self.text)}

    @property
    def arrows(self) -> set[tuple[str, str]]:
        """From, to."""
        return set(ARROW.findall(self.text))


def diagrams() -> list[Diagram]:
    """Of README.md, docs/ and the examples."""
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "examples").glob("*/README.md"))]
    return [
        Diagram(document.relative_to(ROOT).as_posix(), text)
        for document in documents
        for text in FENCE.findall(document.read_text(encoding="utf-8"))
    ]
