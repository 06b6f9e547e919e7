"""``cap``: a program holds one of a fixed number of slots from its first turn to its release."""

from __future__ import annotations

from tests.core.reference.rules import Rules
from tests.core.reference.world import Backend, Program
from thunderagent.core.effects import ParkReason


class CapRules(Rules):
    """So many slots per backend."""

    def __init__(self, slots: int, max_wait_s: float | None) -> None:
        super().__init__()
        self.slots, self.max_wait_s = slots, max_wait_s

    def fits(self, program: Program, backend: Backend) -> bool:
        return len(self.world.residents(backend)) < self.slots

    def park_reason(self) -> ParkReason:
        return ParkReason.NO_SLOT
