"""``thunder``: admission by birth below a threshold of the corrected capacity; KV lent when a tool call outlasts its worth."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tests.core.reference.rules import Rules
from tests.core.reference.tool_calls import mean_residual_s, outlasts_after_s
from tests.core.reference.world import Backend, Program
from thunderagent.core.policies.thunder import (
    FEEDBACK,
    FIT_RANGE,
    HOLD_FACTOR,
    HOLD_FACTOR_WITH_HINTS,
    HOLD_FACTOR_WITH_HOST_TIER,
    HOST_SHARE,
    LOOK_GRID_S,
    RESUME_BELOW,
    RESUME_BELOW_WITH_HINTS,
    RESUME_BELOW_WITH_HOST_TIER,
    TOLERATED_MISSES,
)


@dataclass(frozen=True)
class ThunderOptions:
    """Named as those of the policy."""

    resume_below: float | None = None
    pause_above: float = 1.0
    hints: bool = False
    feedback: float = FEEDBACK
    group_aware: bool = False
    max_wait_s: float | None = 1800.0
    prefill_tokens_per_s: float | None = None
    order: str = "waiting"


class ThunderRules(Rules):
    """All from the raw observations, which are folded in their order by the stated formula, so that floats are the same."""

    def __init__(self, options: ThunderOptions) -> None:
        super().__init__()
        self.options = options
        self.hints, self.max_wait_s = options.hints, options.max_wait_s

    def fit(self, backend: Backend) -> float:
        """Shrinks by what was missed; grows by what was found, but only under pressure."""
        fit = 1.0
        for missed, pressed in backend.returns:
            change = TOLERATED_MISSES * (1.0 - missed) if pressed else 0.0
            fit = min(FIT_RANGE[1], max(FIT_RANGE[0], fit + self.options.feedback * (-missed + change)))
        return fit

    def measured_speed(self, backend: Backend) -> float | None:
        """Of undisturbed prefills, from the first on: up at once, down slowly; else what whole turns tell."""
        if not backend.prefill_speeds:
            return self.fitted_speed(backend)
        speed, *later = backend.prefill_speeds
        for seen in later:
            change = seen - speed
            speed += change * (0.3 if change > 0 else 0.01)
        return speed

    def fitted_speed(self, backend: Backend) -> float | None:
        """The least squares of computed and generated tokens to the turns' times, the latest fifty deciding."""
        turns = backend.whole_turns
        if len(turns) < 8:
            return None
        cc = gg = cg = cs = gs = 0.0
        for c, g, s in turns:
            cc, gg, cg, cs, gs = 0.98 * cc + c * c, 0.98 * gg + g * g, 0.98 * cg + c * g, 0.98 * cs + c * s, 0.98 * gs + g * s
        if cc * gg - cg * cg <= 1e-3 * cc * gg:
            return None
        inverse = cs * gg - gs * cg
        return (cc * gg - cg * cg) / inverse if inverse > 0 else None

    def budget(self, backend: Backend) -> float:
        """Private tokens that can be held: the corrected capacity beside what is shared, and half of a host tier."""
        if backend.capacity is None:
            return float("inf")
        return (backend.capacity - self.world.shared_tokens(backend)) * self.fit(backend) + HOST_SHARE * backend.host

    def free(self, backend: Backend) -> float:
        below = self.options.resume_below
        if below is None and backend.host:
            below = RESUME_BELOW_WITH_HOST_TIER
        if below is None:
            below = RESUME_BELOW_WITH_HINTS if self.hints else RESUME_BELOW
        return below * self.budget(backend) - self.world.private_tokens(backend)

    def load(self, backend: Backend) -> tuple[float, ...]:
        return (-self.free(backend), len(self.world.residents(backend)))

    def candidates(self, program: Program) -> list[Backend | None]:
        """Its origin while its KV is likely there; where its shared start is, if that is not too full; where most is free."""
        origin = self.world.usable_backend(program.origin_id)
        likely = origin if origin is not None and self.kv_is_likely_there(program, origin) else None
        emptiest = self.by_load()[:1]
        home = self.world.home(program)
        return [likely, home if home is not None and self.is_roomy(home, emptiest[0], program) else None, *emptiest]

    def is_roomy(self, home: Backend, emptiest: Backend, program: Program) -> bool:
        """Whether the emptiest, with the shared start in it too, would have no more room."""
        start = self.world.need_tokens(program, emptiest) - program.private
        if home.capacity is None or emptiest.capacity is None:
            taken = [self.world.private_tokens(b) + self.world.shared_tokens(b) for b in (home, emptiest)]
            return taken[0] <= taken[1] + start
        return self.free(emptiest) - self.free(home) <= start

    def kv_is_likely_there(self, program: Program, origin: Backend) -> bool:
        """The engine has told that at least half of its own part is; else less was written since than there is room for."""
        if program.cache != origin.cache:
            return False
        if (told := program.still_in(origin.cache)) is not None:
            return 2 * (told - program.shared) >= program.private
        if origin.capacity is None:
            return True
        written = sum(origin.writes[program.writes_seen :])
        return written < origin.capacity - self.world.shared_tokens(origin) - self.world.private_tokens(origin)

    def fits(self, program: Program, backend: Backend) -> bool:
        if not self.world.residents(backend):
            return backend.could_hold(program)
        return self.world.need_tokens(program, backend) <= self.free(backend)

    def order(self, program: Program) -> tuple[float, ...]:
        finished = self.world.finished.count(program.group) if self.options.group_aware and program.group else 0
        since_s = program.waiting[0].arrived_s if self.options.order == "waiting" and program.waiting else 0.0
        return (program.priority, -finished, since_s)

    def excess(self, backend: Backend) -> float:
        """Above the pause threshold; a lone resident gives way to nobody."""
        if len(self.world.residents(backend)) <= 1:
            return 0.0
        return self.world.private_tokens(backend) - self.options.pause_above * self.budget(backend)

    def largest_prompt(self) -> int | None:
        return self.largest_capacity()

    def break_even_s(self, backend: Backend) -> float:
        """Holding for longer costs more than computing again."""
        if backend.capacity is None:
            return float("inf")
        factor = HOLD_FACTOR_WITH_HINTS if self.hints else HOLD_FACTOR
        if backend.host:
            factor = HOLD_FACTOR_WITH_HOST_TIER
        return factor * backend.capacity / (self.options.prefill_tokens_per_s or self.measured_speed(backend) or 9_000.0)

    def lend(self) -> Program | None:
        """The first that is due for a look and not worth holding; the others are looked at again later."""
        now = self.world.now
        held = [p for p in self.world.programs if p.acting and p.look_s <= now]
        for program in sorted(held, key=lambda p: (p.look_s, p.birth)):
            assert program.since_s is not None and program.backend is not None, "it acts"
            elapsed_s = now - program.since_s
            expected_s = mean_residual_s(self.world.calls, program.tool, elapsed_s)
            if expected_s > self.break_even_s(program.backend):
                return program
            program.look_s = self.later_look_s(program, program.backend, program.since_s, elapsed_s)
        return None

    def first_look_s(self, program: Program, backend: Backend) -> float:
        """At once if such calls outlast what holding is worth."""
        now = self.world.now
        if mean_residual_s(self.world.calls, program.tool, 0.0) > self.break_even_s(backend):
            return now
        return self.later_look_s(program, backend, now, 0.0)

    def later_look_s(self, program: Program, backend: Backend, since_s: float, elapsed_s: float) -> float:
        """When it will have taken so long that it is expected to."""
        age_s = outlasts_after_s(self.world.calls, program.tool, self.break_even_s(backend), elapsed_s)
        return math.inf if age_s == math.inf else on_grid(since_s + age_s)

    def next_look_s(self) -> float | None:
        return min((p.look_s for p in self.world.programs if p.acting and p.look_s < math.inf), default=None)


def on_grid(at_s: float) -> float:
    """Looks are due at multiples of the grid."""
    return math.ceil(at_s / LOOK_GRID_S) * LOOK_GRID_S
