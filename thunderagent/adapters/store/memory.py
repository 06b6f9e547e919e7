"""A store for tests and simulations: it outlives its scheduler, not its process."""

from __future__ import annotations

from typing import Any

from thunderagent.runtime.store import Changes, Kept, Remembered


class MemoryStore:
    """May be opened again by just using it again."""

    def __init__(self) -> None:
        self.programs: dict[str, Kept] = {}
        self.statistics: dict[str, Any] = {}

    def load(self) -> Remembered:
        """All of it."""
        return Remembered(sorted(self.programs.values(), key=lambda kept: kept.program.birth), dict(self.statistics))

    def write(self, changes: Changes) -> None:
        """Never fails."""
        for program_id in changes.over:
            self.programs.pop(program_id, None)
        self.programs.update({kept.program.program_id: kept for kept in changes.programs})
        if changes.statistics is not None:
            self.statistics = changes.statistics

    def close(self) -> None:
        """There is nothing to let go of."""
