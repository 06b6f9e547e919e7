"""``tr``: thresholds on the whole capacity, programs that ran before ahead of new ones, shortest first, marks.

Each published defect is an option: the reference takes all of them as plain values.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.core.reference.rules import Rules
from tests.core.reference.world import Backend, Program
from thunderagent.core.effects import ParkReason
from thunderagent.core.policies.tr import RESERVE_TOKENS


@dataclass(frozen=True)
class TrOptions:
    """Named as those of the policy."""

    pause_above: float = 1.0
    resume_below: float = 0.9
    acting_token_weight: float = 1.0
    acting_half_life_s: float | None = None
    max_wait_s: float | None = 1800.0
    tick_s: float | None = None
    subtract_marked: bool = True
    credit_prefixes: bool = True
    origin_first: bool = True
    refuse_oversized: bool = True
    marks: bool = True


class TrRules(Rules):
    """The published formulas."""

    def __init__(self, options: TrOptions) -> None:
        super().__init__()
        self.options = options
        self.max_wait_s, self.tick_s, self.marks = options.max_wait_s, options.tick_s, options.marks

    def shared(self, backend: Backend) -> int:
        """Each shared start once; without the credit, once per program."""
        if self.options.credit_prefixes:
            return self.world.shared_tokens(backend)
        return sum(p.shared for p in self.world.residents(backend))

    def acting_tokens(self, backend: Backend) -> float:
        """Private tokens of programs between turns, halved in every half-life since."""
        half_life_s = self.options.acting_half_life_s
        total = 0.0
        for program in self.world.acting(backend):
            assert program.since_s is not None, "it acts since some time"
            age_s = self.world.now - program.since_s
            total += program.private if half_life_s is None else program.private * 2.0 ** -(age_s / half_life_s)
        return total

    def used(self, backend: Backend) -> float:
        residents = self.world.residents(backend)
        reasoning = sum(p.private for p in residents if p.running)
        acting = self.options.acting_token_weight * self.acting_tokens(backend)
        return self.shared(backend) + reasoning + acting + RESERVE_TOKENS * len(residents)

    def free(self, backend: Backend) -> float:
        if backend.capacity is None:
            return float("inf")
        return self.options.resume_below * backend.capacity - self.used(backend)

    def load(self, backend: Backend) -> tuple[float, ...]:
        """Most free tokens first, decay and weight of acting tokens left out; then the fewest residents."""
        residents = self.world.residents(backend)
        if backend.capacity is None:
            return (float("-inf"), len(residents))
        counted = self.shared(backend) + self.world.private_tokens(backend) + RESERVE_TOKENS * len(residents)
        return (counted - self.options.resume_below * backend.capacity, len(residents))

    def candidates(self, program: Program) -> list[Backend | None]:
        """Its origin; where its shared start is; where most is free."""
        origin = self.world.usable_backend(program.origin_id) if self.options.origin_first else None
        home = self.world.home(program) if self.options.credit_prefixes else None
        return [origin, home, *self.by_load()[:1]]

    def fits(self, program: Program, backend: Backend) -> bool:
        if self.options.refuse_oversized and not self.world.residents(backend):
            return backend.could_hold(program)
        need = self.world.need_tokens(program, backend) if self.options.credit_prefixes else program.context
        return need + RESERVE_TOKENS <= self.free(backend)

    def order(self, program: Program) -> tuple[float, ...]:
        return (program.priority, program.origin_id is None, program.context)

    def excess(self, backend: Backend) -> float:
        """Above the pause threshold; a lone resident, or the last one that is not to go, gives way to nobody."""
        residents = self.world.residents(backend)
        if backend.capacity is None or len(residents) <= 1:
            return 0.0
        going = 0
        if self.options.subtract_marked:
            staying = [p for p in residents if not p.marked]
            if len(staying) <= 1 and all(p.running for p in residents):
                return 0.0
            going = sum(p.private for p in residents if p.marked)
        return self.used(backend) - going - self.options.pause_above * backend.capacity

    def stays(self, backend: Backend) -> bool:
        return self.options.subtract_marked and self.excess(backend) <= 0

    def largest_prompt(self) -> int | None:
        return self.largest_capacity() if self.options.refuse_oversized else None

    def park_reason(self) -> ParkReason:
        return ParkReason.NO_ROOM if self.options.tick_s is None else ParkReason.TICK
