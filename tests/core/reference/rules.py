"""What a policy decides. As it stands: a pass-through that keeps a program where it was."""

from __future__ import annotations

from tests.core.reference.world import Backend, Program, World
from thunderagent.core.effects import ParkReason


class Rules:
    """The answers of one policy about a world."""

    max_wait_s: float | None = None
    """A program that has waited for longer is admitted by force."""
    tick_s: float | None = None
    """Seconds between decisions; None: at every event."""
    hints = False
    marks = False
    sticky = True

    def __init__(self) -> None:
        self.world = World()

    def load(self, backend: Backend) -> tuple[float, ...]:
        """The backend with the smallest is least loaded."""
        return (len(self.world.residents(backend)),)

    def by_load(self) -> list[Backend]:
        return sorted(self.world.usable(), key=lambda b: (self.load(b), b.birth))

    def candidates(self, program: Program) -> list[Backend | None]:
        """Where a program that is nowhere is tried, in order."""
        return [self.world.usable_backend(program.origin_id), *self.by_load()[:1]]

    def fits(self, program: Program, backend: Backend) -> bool:
        return True

    def tried(self, program: Program) -> list[Backend]:
        """What has failed comes last."""
        tried = [b for b in self.candidates(program) if b is not None]
        avoided = self.world.usable_backend(program.avoid_id)
        if avoided is None:
            return tried
        next_best = [b for b in self.by_load() if b is not avoided][:1]
        return [*(b for b in tried if b is not avoided), *next_best, avoided]

    def place(self, program: Program) -> Backend | None:
        return next((b for b in self.tried(program) if self.fits(program, b)), None)

    def place_by_force(self, program: Program) -> Backend | None:
        """Where it can be held if there is such a place, least loaded first."""
        holding = [b for b in self.by_load() if b.could_hold(program)]
        return next(iter([*holding, *self.by_load()]), None)

    def order(self, program: Program) -> tuple[float, ...]:
        """Of the line."""
        return (program.priority,)

    def line(self) -> list[Program]:
        return sorted(self.world.in_line(), key=lambda p: (*self.order(p), p.birth))

    def free(self, backend: Backend) -> float:
        """Tokens that may still be admitted."""
        return float("inf")

    def excess(self, backend: Backend) -> float:
        """Tokens that have to be given up."""
        return 0.0

    def stays(self, backend: Backend) -> bool:
        """Whether a marked program stays as its turns have ended."""
        return self.excess(backend) <= 0

    def largest_prompt(self) -> int | None:
        """A longer one is refused; None: none is."""
        return None

    def park_reason(self) -> ParkReason:
        """Of the first in line."""
        return ParkReason.NO_ROOM

    def lend(self) -> Program | None:
        """A program in a tool call that had better give up its KV as somebody waits."""
        return None

    def first_look_s(self, program: Program, backend: Backend) -> float:
        """When a tool call that has just begun is looked at."""
        return self.world.now

    def next_look_s(self) -> float | None:
        """When that may be another with time alone."""
        return None

    def largest_capacity(self) -> int | None:
        capacities = [b.capacity for b in self.world.usable()]
        known = [capacity for capacity in capacities if capacity is not None]
        return max(known, default=0) if len(known) == len(capacities) else None
