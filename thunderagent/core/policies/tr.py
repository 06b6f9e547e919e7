"""``tr``: the published policy (arXiv 2602.13692), with the defects of its public code avoided, or kept to be compared with.

As published: a backend that holds too much pauses its smallest ACTING programs and, if that is not enough, marks its smallest
REASONING ones, to be paused when their turn ends; programs that have run before resume ahead of new ones, shortest first; a turn
that has waited for ``max_wait_s`` is admitted by force; 100 tokens are reserved per resident.

Every defect that was avoided is an option: ``TrPolicy()`` has none of them, ``TrPolicy.published()`` all.
"""

from __future__ import annotations

from dataclasses import dataclass

from thunderagent.core.decaying_sum import DecayingSum
from thunderagent.core.effects import ParkReason
from thunderagent.core.index import Key
from thunderagent.core.ledger import Backend, Ledger
from thunderagent.core.policies import Policy
from thunderagent.core.program import Program

RESERVE_TOKENS = 100
"""Growth foreseen per resident program while its turn decodes; the published constant."""
PUBLISHED_TICK_S = 5.0
"""``scheduler_interval`` of the public code."""


@dataclass(eq=False)
class TrPolicy(Policy):
    """Thresholds are fractions of a backend's KV capacity."""

    pause_above: float = 1.0
    """Programs are paused above this; the published rule pauses above the whole capacity."""
    resume_below: float = 0.9
    """Programs are admitted below this. The gap to ``pause_above`` is the room in which residents grow before one must go;
    published: no gap, so one program is paused and resumed in turn (defect 3)."""
    acting_token_weight: float = 1.0
    """Share of an ACTING program's tokens that counts. Less than 1 overcommits the cache (published default 1)."""
    acting_half_life_s: float | None = None
    """ACTING tokens halve in weight every so often (the paper's f(t) = 2^-t: 1 s); None: they keep it."""
    max_wait_s: float | None = 1800.0
    """Published bound on the time for which a turn is held back."""
    tick_s: float | None = None
    """Published: pauses and resumes every 5 s only (defect 16: engines idle meanwhile). None: with every event."""
    subtract_marked: bool = True
    """Whether what is marked already counts as given up; published: no, so every running program is marked (defect 1)."""
    credit_prefixes: bool = True
    """Whether a shared start counts once per backend; published: once per program (defect 2)."""
    origin_first: bool = True
    """Whether a program resumes on its origin if it fits there; published: wherever most is free (defect 12)."""
    refuse_oversized: bool = True
    """Whether a prompt larger than every KV cache is refused, and one that fits an empty backend runs there; published: both
    wait to be forced, and block who is behind them (defect 10)."""
    marks: bool = True
    """Whether running programs are marked at all."""

    @classmethod
    def published(cls, *, acting_half_life_s: float | None = None, acting_token_weight: float = 1.0) -> TrPolicy:
        """The rules of the public code, scheduling defects included."""
        return cls(
            resume_below=1.0,
            acting_half_life_s=acting_half_life_s,
            acting_token_weight=acting_token_weight,
            tick_s=PUBLISHED_TICK_S,
            subtract_marked=False,
            credit_prefixes=False,
            origin_first=False,
            refuse_oversized=False,
        )

    def used_tokens(self, backend: Backend, now: float) -> float:
        """Tokens committed on a backend, with the reserve for growth."""
        if self.acting_half_life_s is None:
            acting = float(backend.private_acting_tokens)
        else:
            acting = 0.0 if backend.decayed_acting is None else backend.decayed_acting.at(now)
        shared = backend.shared_tokens if self.credit_prefixes else backend.credited_tokens
        reserve = RESERVE_TOKENS * backend.resident
        return shared + backend.private_reasoning_tokens + self.acting_token_weight * acting + reserve

    def free_tokens(self, backend: Backend, now: float) -> float:
        """Room below the resume threshold; negative when over it."""
        if backend.capacity_tokens is None:
            return float("inf")
        return self.resume_below * backend.capacity_tokens - self.used_tokens(backend, now)

    def need_tokens(self, program: Program, backend: Backend) -> int:
        """What admitting this program would add, with its reserve."""
        tokens = backend.need_tokens(program) if self.credit_prefixes else program.context_tokens
        return tokens + RESERVE_TOKENS

    def load(self, backend: Backend) -> Key:
        """Most free tokens first. Decay is left out: it ages the ACTING tokens of all backends alike."""
        if backend.capacity_tokens is None:
            return (float("-inf"), float(backend.resident))
        shared = backend.shared_tokens if self.credit_prefixes else backend.credited_tokens
        used = shared + backend.private_tokens + RESERVE_TOKENS * backend.resident
        return (used - self.resume_below * backend.capacity_tokens, float(backend.resident))

    def origin(self, program: Program, ledger: Ledger) -> Backend | None:
        """Published: not tried first."""
        return super().origin(program, ledger) if self.origin_first else None

    def home(self, program: Program, ledger: Ledger) -> Backend | None:
        """Where its shared prompt costs nothing."""
        return ledger.home(program) if self.credit_prefixes else None

    def fits(self, program: Program, backend: Backend, now: float) -> bool:
        """Whether a turn of this program may start here; on an empty backend if it can be held at all, so that none starves."""
        if backend.resident == 0 and self.refuse_oversized:
            return backend.could_hold(program)
        return self.need_tokens(program, backend) <= self.free_tokens(backend, now)

    def line_key(self, program: Program) -> Key:
        """Programs that have run before come first, then shortest first, then oldest."""
        is_new = program.origin_id is None
        return (float(program.priority), float(is_new), float(program.context_tokens))

    def excess_tokens(self, backend: Backend, now: float) -> float:
        """What is held above the pause threshold and not yet marked to go."""
        if backend.capacity_tokens is None or backend.resident <= 1:  # a lone resident gives way to nobody
            return 0.0
        if self.subtract_marked and not backend.acting and len(backend.unmarked) <= 1:  # the last one runs on
            return 0.0
        going = backend.marked_tokens if self.subtract_marked else 0
        return self.used_tokens(backend, now) - going - self.pause_above * backend.capacity_tokens

    def keeps_marked(self, backend: Backend, now: float) -> bool:
        """Published: a mark is final."""
        return self.subtract_marked and self.excess_tokens(backend, now) <= 0

    def largest_prompt_tokens(self, ledger: Ledger) -> int | None:
        """The largest KV cache: a prompt that fills it leaves no room for an answer."""
        return ledger.largest_tokens if self.refuse_oversized else None

    @property
    def park_reason(self) -> ParkReason:
        """For room, or for the tick that decides on it."""
        return ParkReason.NO_ROOM if self.tick_s is None else ParkReason.TICK

    def waits_for(self, program: Program, ledger: Ledger, now: float) -> str:
        """For the tick, if there is one."""
        room = super().waits_for(program, ledger, now)
        return room if self.tick_s is None else f"the next tick, at most {self.tick_s:g} s away, and {room}"

    def acting_began(self, program: Program, backend: Backend, now: float) -> None:
        """Its tokens decay from now on."""
        if self.acting_half_life_s is not None:
            backend.decayed_acting = backend.decayed_acting or DecayingSum(self.acting_half_life_s)
            backend.decayed_acting.add(program.private_tokens, now)

    def acting_ended(self, program: Program, backend: Backend, now: float) -> None:
        """They count in full again, or not at all."""
        if backend.decayed_acting is not None and program.acting_since_s is not None:
            backend.decayed_acting.remove(program.private_tokens, program.acting_since_s, now)
