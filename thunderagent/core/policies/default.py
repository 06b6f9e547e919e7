"""``default``: a pass-through with sticky, least-loaded placement. What an engine does alone, measured."""

from __future__ import annotations

from dataclasses import dataclass

from thunderagent.core.index import Key
from thunderagent.core.ledger import Backend, Ledger
from thunderagent.core.program import Program


@dataclass(frozen=True, slots=True)
class DefaultPolicy:
    """Every turn starts at once."""

    max_wait_s: float | None = None

    def place(self, program: Program, ledger: Ledger) -> Backend | None:
        """Where it was before, else the backend with the fewest residents."""
        return self.place_by_force(program, ledger)

    def place_by_force(self, program: Program, ledger: Ledger) -> Backend:
        origin = ledger.backends.get(program.origin_id or "")
        return origin or min(ledger.backends.values(), key=lambda backend: (backend.resident, backend.id))

    def resume_key(self, program: Program) -> Key:
        return (program.birth,)

    def excess_tokens(self, backend: Backend) -> float:
        return 0

    def largest_prompt_tokens(self, ledger: Ledger) -> int | None:
        """None: the engine itself says what it does not take."""
        return None
