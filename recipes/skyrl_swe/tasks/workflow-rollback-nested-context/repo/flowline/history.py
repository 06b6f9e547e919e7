"""What an instance has been through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One completed transition."""

    event: str
    source: str
    target: str

    def __str__(self) -> str:
        return f"{self.source} --{self.event}--> {self.target}"


class History:
    """Completed transitions, the oldest first."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def add(self, event: str, source: str, target: str) -> None:
        self._entries.append(Entry(event, source, target))

    def visited(self, state: str) -> bool:
        """Whether the instance has ever entered ``state`` by a transition."""
        return any(entry.target == state for entry in self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
