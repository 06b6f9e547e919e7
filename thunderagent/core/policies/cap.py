"""``cap``: a fixed number of programs per backend, tuned by the user. The baseline that every policy has to beat.

A program holds a slot from its first turn until it is released, tool calls included; the others wait in order of birth.
"""

from __future__ import annotations

from dataclasses import dataclass

from thunderagent.core.effects import ParkReason
from thunderagent.core.ledger import Backend, Ledger
from thunderagent.core.policies import Policy
from thunderagent.core.program import Program


@dataclass(eq=False)
class CapPolicy(Policy):
    """Static concurrency."""

    programs_per_backend: int = 16
    """Slots. A good value is KV capacity / mean context of a program near its end."""
    max_wait_s: float | None = None
    """A program that waited for longer gets in all the same."""

    def fits(self, program: Program, backend: Backend, now: float) -> bool:
        """Whether a slot is free."""
        return backend.resident < self.programs_per_backend

    @property
    def park_reason(self) -> ParkReason:
        """For a slot."""
        return ParkReason.NO_SLOT

    def waits_for(self, program: Program, ledger: Ledger, now: float) -> str:
        """For a slot, and out of how many."""
        slots = self.programs_per_backend * sum(backend.usable for backend in ledger.backends.values())
        return f"one of {slots} program slots to be released"

    def free_tokens(self, backend: Backend, now: float) -> float:
        """Unbounded while a slot is free."""
        return float("inf") if backend.resident < self.programs_per_backend else 0.0
