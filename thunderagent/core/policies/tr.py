"""``tr``: the published policy (arXiv 2602.13692), with the defects of its public code avoided.

As published: a backend that holds too much pauses its smallest ACTING programs and, if that is not enough, marks its smallest
REASONING ones, to be paused when their turn ends; programs that have run before resume ahead of new ones, shortest first; a turn
that has waited for ``max_wait_s`` is admitted by force; 100 tokens are reserved per resident.

Avoided: it acts on events, not every 5 s; what is marked is not asked for twice; only the excess is given up, and resuming
stops below pausing, so that one program does not do both in turn; a resumed program goes back to its origin if it fits there;
a program that fills a whole engine runs when the engine is empty; a group's shared prompt is counted once.
"""

from __future__ import annotations

from dataclasses import dataclass

from thunderagent.core.index import Key
from thunderagent.core.ledger import Backend, Ledger
from thunderagent.core.program import Program

RESERVE_TOKENS = 100
"""Growth foreseen per resident program while its turn decodes; the published constant."""


@dataclass(frozen=True, slots=True)
class TrPolicy:
    """Thresholds are fractions of a backend's KV capacity."""

    pause_above: float = 1.0
    """Programs are paused above this; the published rule pauses above the whole capacity."""
    resume_below: float = 0.9
    """Programs are admitted below this. The gap to ``pause_above`` is the room in which residents grow before one must go."""
    acting_token_weight: float = 1.0
    """Share of an ACTING program's tokens that counts. Less than 1 overcommits the cache (published default 1)."""
    max_wait_s: float | None = 1800.0
    """Published bound on the time for which a turn is held back."""

    def used_tokens(self, backend: Backend) -> float:
        """Tokens committed on a backend, with the reserve for growth."""
        return (
            backend.shared_tokens
            + backend.private_reasoning_tokens
            + self.acting_token_weight * backend.private_acting_tokens
            + RESERVE_TOKENS * backend.resident
        )

    def free_tokens(self, backend: Backend) -> float:
        """Room below the resume threshold; negative when over it."""
        if backend.capacity_tokens is None:
            return float("inf")
        return self.resume_below * backend.capacity_tokens - self.used_tokens(backend)

    def fits(self, program: Program, backend: Backend) -> bool:
        """Whether a turn of this program may start here; on an empty backend if it can be held at all, so that none starves."""
        if backend.resident == 0:
            return _could_hold(program, backend)
        return backend.need_tokens(program) + RESERVE_TOKENS <= self.free_tokens(backend)

    def place(self, program: Program, ledger: Ledger) -> Backend | None:
        """Its origin, where its KV may still be; else the backend that would be left with most room."""
        origin = ledger.backends.get(program.origin_id or "")
        if origin is not None and self.fits(program, origin):
            return origin
        roomiest = self.place_by_force(program, ledger)
        return roomiest if self.fits(program, roomiest) else None

    def place_by_force(self, program: Program, ledger: Ledger) -> Backend:
        return max(
            ledger.backends.values(),
            key=lambda backend: (
                _could_hold(program, backend),
                self.free_tokens(backend) - backend.need_tokens(program),
                backend.id,
            ),
        )

    def resume_key(self, program: Program) -> Key:
        """Programs that have run before come first, then shortest first, then oldest."""
        is_new = program.origin_id is None
        return (is_new, program.context_tokens, program.birth)

    def excess_tokens(self, backend: Backend) -> float:
        """What is held above the pause threshold and not yet marked to go."""
        if backend.capacity_tokens is None or backend.resident <= 1:  # a lone resident gives way to nobody
            return 0
        return self.used_tokens(backend) - backend.marked_tokens - self.pause_above * backend.capacity_tokens

    def largest_prompt_tokens(self, ledger: Ledger) -> int | None:
        """The largest KV cache: a prompt that fills it leaves no room for an answer."""
        capacities = [backend.capacity_tokens for backend in ledger.backends.values()]
        known = [capacity for capacity in capacities if capacity is not None]
        return max(known) if len(known) == len(capacities) else None


def _could_hold(program: Program, backend: Backend) -> bool:
    return backend.capacity_tokens is None or program.context_tokens <= backend.capacity_tokens
