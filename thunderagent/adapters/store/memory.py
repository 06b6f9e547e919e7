"""A store for tests and simulations: it outlives its scheduler, not its process."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from thunderagent.runtime.store import Changes, Kept, Remembered, last_time_s


class MemoryStore:
    """May be opened again by just using it again."""

    def __init__(self) -> None:
        self.programs: dict[str, Kept] = {}
        self.statistics: dict[str, Any] = {}
        self.leases: dict[str, Any] = {}
        self.owner_id = f"store-{uuid.uuid4().hex[:12]}"
        """Of sandboxes."""

    def load(self) -> Remembered:
        """All of it."""
        time_s = last_time_s(self.statistics, (kept.at_s for kept in self.programs.values()))
        kept = sorted((_aged(kept, time_s) for kept in self.programs.values()), key=lambda kept: kept.program.birth)
        return Remembered(kept, dict(self.statistics), time_s, leases=dict(self.leases))

    def write(self, changes: Changes) -> None:
        """Never fails."""
        for program_id in changes.over:
            self.programs.pop(program_id, None)
        self.programs.update({kept.program.program_id: kept for kept in changes.programs})
        if changes.statistics is not None:
            self.statistics = changes.statistics
        self.leases = {name: told for name, told in {**self.leases, **changes.leases}.items() if told}

    def close(self) -> None:
        """There is nothing to let go of."""


def _aged(kept: Kept, time_s: float) -> Kept:
    acting_s = kept.program.acting_s
    if acting_s is None:
        return kept
    return kept._replace(program=replace(kept.program, acting_s=acting_s + max(0.0, time_s - kept.at_s)))
