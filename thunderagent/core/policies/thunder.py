"""``thunder``: admission in order, KV caches held while they are worth it, capacity corrected by what the engine shows.

The control law, with every step at an event and none at a tick:

- A program that comes back to its KV cache goes on at once. Everybody else waits, whoever has waited longest first (or the oldest
  program, ``order``), and is admitted while the committed tokens stay below ``resume_below`` of the capacity, or the backend is
  empty.
- What grows above ``pause_above`` is shed: the smallest programs in a tool call give up their KV cache, no more than needed.
- While somebody waits, the KV cache of a program in a tool call is lent to him as soon as that pays: when the call is expected
  to take longer than the break-even time, in which holding costs as much as computing the context again.
- Each return to a held KV cache that the engine has evicted all the same shrinks the capacity that is counted with; returns that
  find everything let it grow again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from thunderagent.core.index import Key, OrderedIndex
from thunderagent.core.ledger import Backend, Ledger
from thunderagent.core.policies import Policy
from thunderagent.core.program import Program
from thunderagent.core.tool_times import ToolTimes

Order = Literal["waiting", "age"]
"""Who is admitted first."""
RESUME_BELOW = 0.87
"""Growth of the admitted between events needs a gap to the whole cache (study: 0.87 beats 0.94 by 3% without hints)."""
RESUME_BELOW_WITH_HINTS = 0.94
"""An engine that is told what may go first evicts nothing that is held, so the gap can be smaller."""
RESUME_BELOW_WITH_HOST_TIER = 0.9
"""Between the two: what is evicted by mistake comes back from host memory."""
HOLD_FACTOR = 1.25
"""Of the break-even time: a little longer, as a wrong lending costs a whole prefill, a wrong holding only a wait."""
HOLD_FACTOR_WITH_HINTS = 0.75
"""Then KV that is held is there for certain, so more of it is: lending earlier gives 7% more on long contexts (simulation)."""
HOLD_FACTOR_WITH_HOST_TIER = 2.0
"""Study: with a second tier, reloading is cheap for the engine but still delays the program."""
HOST_SHARE = 0.5
"""Of the host tier that counts as capacity. It also has copies of what is in the engine: counting more, KV is lost from both."""
PREFILL_TOKENS_PER_S = 9_000.0
"""Until an engine's speed is measured: a 32B dense model on two H100s."""
LOOK_GRID_S = 0.25
"""Looks are due at multiples of this, so that one timer serves those of many programs."""
FEEDBACK = 0.05
"""Gain of the capacity correction: about twenty complete misses halve the capacity."""
FINISHED_PER_PRIORITY = 2**20
"""More than any group has members, so that a caller's priority always outweighs them."""
TOLERATED_MISSES = 0.002
"""Share of recently held tokens that may be missed in balance: zero would let the capacity only shrink; at 0.01 it grows until
engines are overcommitted (simulation: by 14%)."""
RESIDENT_SHARE = 0.5
"""Of a program's own tokens: where more are still cached, going there saves more of its prefill than it leaves to do."""
FIT_RANGE = (0.2, 1.5)
"""Bounds of the correction: capacity reports were seen wrong by up to 40%, and unknown shared prefixes save up to a third."""


@dataclass(eq=False)
class ThunderPolicy(Policy):
    """Thresholds are fractions of a backend's capacity for private tokens."""

    resume_below: float | None = None
    """Programs are admitted below this; None: 0.87, with a host tier 0.9, else with hints 0.94."""
    pause_above: float = 1.0
    """Programs give up their KV cache above this."""
    hints: bool = False
    """Whether the engines take ``Demote`` and ``Free``."""
    order: Order = "waiting"
    """``waiting``: whoever has waited longest, so that delays are shared: the longest waits are much shorter, at no less
    throughput. ``age``: the oldest program, so that programs finish one after the other: a batch whose last program decides,
    such as an RL step, is over earlier."""
    feedback: float = FEEDBACK
    """Gain of the capacity correction; 0: none."""
    group_aware: bool = False
    """Whether programs go first whose siblings in their RL prompt group have finished: groups then complete earlier."""
    max_wait_s: float | None = 1800.0
    """A program parked for longer is admitted by force; births bound waits already, this bounds them in seconds."""
    prefill_tokens_per_s: float | None = None
    """Speed at which a lost KV cache is computed again; None: measured."""
    tools: ToolTimes = field(default_factory=ToolTimes, repr=False)
    """Fed by the scheduler."""
    _looks: OrderedIndex[Program] = field(default_factory=OrderedIndex, init=False, repr=False)
    """Residents in a tool call by the time of their next look."""

    # Capacity

    def budget_tokens(self, backend: Backend) -> float:
        """Private tokens that a backend can hold."""
        if backend.capacity_tokens is None:
            return float("inf")
        return (backend.capacity_tokens - backend.shared_tokens) * backend.fit + HOST_SHARE * backend.host_tokens

    def admit_below(self, backend: Backend) -> float:
        """The fraction of the budget up to which programs are admitted."""
        if self.resume_below is not None:
            return self.resume_below
        if backend.host_tokens:
            return RESUME_BELOW_WITH_HOST_TIER
        return RESUME_BELOW_WITH_HINTS if self.hints else RESUME_BELOW

    def free_tokens(self, backend: Backend, now: float) -> float:
        """Room for admissions; negative when over it."""
        return self.admit_below(backend) * self.budget_tokens(backend) - backend.private_tokens

    def load(self, backend: Backend) -> Key:
        """Most free tokens first."""
        return (-self.free_tokens(backend, 0.0), len(backend.programs))

    # Admission

    def origin(self, program: Program, ledger: Ledger) -> Backend | None:
        """While its KV is likely still there."""
        origin = super().origin(program, ledger)
        return origin if origin is not None and self.kv_is_likely_there(program, origin) else None

    def home(self, program: Program, ledger: Ledger) -> Backend | None:
        """Where its shared prompt is, unless another backend has more room even after taking that in, too."""
        home, emptiest = ledger.home(program), ledger.least_loaded()
        if home is None or emptiest is None:
            return None
        if home.capacity_tokens is None or emptiest.capacity_tokens is None:
            more_room = float(home.private_tokens + home.shared_tokens - emptiest.private_tokens - emptiest.shared_tokens)
        else:
            more_room = self.free_tokens(emptiest, 0.0) - self.free_tokens(home, 0.0)
        return home if more_room <= emptiest.new_shared_tokens(program) else None

    def place(self, program: Program, ledger: Ledger, now: float) -> Backend | None:
        """As for every policy; at once if not even its own part fits where most is free, as then it fits nowhere."""
        least_load = ledger.least_load()
        if least_load is None:
            return None
        if not ledger.empty and program.context_tokens - program.shared_tokens > -least_load[0]:
            return None
        return super().place(program, ledger, now)

    def kv_is_likely_there(self, program: Program, origin: Backend) -> bool:
        """What the engine tells, where it does.

        Else whether less has been written since than the cache has room for beside what is held; eviction is by recency.
        """
        if program.epoch != origin.epoch:
            return False
        if program.cached_tokens is not None:
            return program.cached_tokens - program.shared_tokens >= RESIDENT_SHARE * program.private_tokens
        if origin.capacity_tokens is None:
            return True
        room = origin.capacity_tokens - origin.shared_tokens - origin.private_tokens
        return origin.written_tokens - program.written_mark < room

    def fits(self, program: Program, backend: Backend, now: float) -> bool:
        """Whether a turn of this program may start here; on an empty backend if it can be held at all."""
        if not backend.programs:
            return backend.could_hold(program)
        return backend.need_tokens(program) <= self.free_tokens(backend, now)

    def line_key(self, program: Program) -> Key:
        """By the caller's priority, then by order."""
        rank = program.priority * FINISHED_PER_PRIORITY
        if self.group_aware and program.group is not None:
            rank -= program.group.finished
        if self.order == "waiting" and program.waiting:
            return (rank, program.waiting[0].arrived_s, program.birth)
        return (rank, program.birth)

    def largest_prompt_tokens(self, ledger: Ledger) -> int | None:
        """The largest KV cache: a prompt that fills it leaves no room for an answer."""
        return ledger.largest_tokens

    # Giving up

    def excess_tokens(self, backend: Backend, now: float) -> float:
        """What is held above the pause threshold."""
        if len(backend.programs) <= 1:  # a lone resident gives way to nobody
            return 0.0
        return backend.private_tokens - self.pause_above * self.budget_tokens(backend)

    def hold_factor(self, backend: Backend) -> float:
        """For how many break-even times a KV cache is held."""
        if backend.host_tokens:
            return HOLD_FACTOR_WITH_HOST_TIER
        return HOLD_FACTOR_WITH_HINTS if self.hints else HOLD_FACTOR

    def break_even_s(self, backend: Backend) -> float:
        """For how long holding a KV cache costs less than computing it again, however large it is.

        Holding s tokens of C for t seconds costs s * t / C of the engine, computing them again s / speed: t = C / speed.
        """
        if backend.capacity_tokens is None:
            return float("inf")
        tokens_per_s = self.prefill_tokens_per_s or backend.prefill_tokens_per_s or PREFILL_TOKENS_PER_S
        return self.hold_factor(backend) * backend.capacity_tokens / tokens_per_s

    def next_to_lend(self, now: float) -> Program | None:
        """The first whose tool call is expected to outlast its break-even time; the others are looked at again later."""
        while (program := self._looks.first_due(now)) is not None:
            backend, since_s = program.backend, program.acting_since_s
            assert backend is not None and since_s is not None, f"{program.id} is looked at while it is not held"
            elapsed_s, limit_s = now - since_s, self.break_even_s(backend)
            if self.tools.mean_residual_s(program.tool, elapsed_s) > limit_s:
                return program
            self._look_later(program, limit_s, since_s, elapsed_s)
        return None

    def _look_later(self, program: Program, limit_s: float, since_s: float, elapsed_s: float) -> None:
        """Look when the call will have taken so long that it is expected to outlast its break-even time."""
        age_s = self.tools.outlasts_after_s(program.tool, limit_s, elapsed_s)
        if age_s == math.inf:
            self._looks.discard(program)
        else:
            self._looks.put(program, LOOK_GRID_S * math.ceil((since_s + age_s) / LOOK_GRID_S))

    def next_look_s(self) -> float:
        """The earliest look that is due."""
        due_s: float = self._looks.first_key(math.inf)
        return due_s

    def acting_began(self, program: Program, backend: Backend, now: float) -> None:
        """The first look is at once if such calls outlast their break-even time."""
        limit_s = self.break_even_s(backend)
        if self.tools.mean_residual_s(program.tool, 0.0) > limit_s:
            self._looks.put(program, now)
        else:
            self._look_later(program, limit_s, now, 0.0)

    def acting_ended(self, program: Program, backend: Backend, now: float) -> None:
        """No more looks."""
        self._looks.discard(program)

    def returned(self, backend: Backend, expected_tokens: int, cached_tokens: int, *, waiting: bool) -> None:
        """Correct the capacity by what was missed; let it grow only under pressure, when what is held fills it."""
        missed = 1.0 - min(1.0, cached_tokens / expected_tokens)
        change = -missed
        if waiting or self.free_tokens(backend, 0.0) <= 0:
            change += TOLERATED_MISSES * (1.0 - missed)
        backend.fit = min(FIT_RANGE[1], max(FIT_RANGE[0], backend.fit + self.feedback * change))
