"""Why a program is parked and what it waits for, in a form for APIs and in words for people."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from thunderagent.core.admission import why_parked
from thunderagent.core.effects import ParkReason
from thunderagent.core.program import Program
from thunderagent.core.state import State


@dataclass(frozen=True, slots=True)
class Explanation:
    """Of one parked program."""

    program_id: str
    reason: ParkReason
    waits_for: str
    """In words."""
    ahead: int
    """Programs that are admitted before it."""
    waited_s: float
    """Until the last event."""
    forced_in_s: float | None
    """Time after which it is admitted by force; None: never."""


def explain(state: State, program_id: str) -> Explanation | None:
    """One program; None if it is not parked. O(programs in line)."""
    program = state.programs.get(program_id)
    if program is not None and program in state.line:
        key = state.policy.line_key(program), program.birth
        ahead = sum((state.policy.line_key(other), other.birth) < key for other in state.line)
        return _in_line(state, program, ahead)
    return next((held for held in _held(state) if held.program_id == program_id), None)


def explain_all(state: State, only: Container[str] | None = None) -> list[Explanation]:
    """All parked programs, or those of ``only``: those in line in its order, then those held back by a weight sync.

    Ordering a long line is much cheaper than putting all of it in words.
    """
    ordered = sorted(state.line, key=lambda program: (state.policy.line_key(program), program.birth))
    in_line = [_in_line(state, program, ahead) for ahead, program in enumerate(ordered) if only is None or program.id in only]
    return in_line + [held for held in _held(state) if only is None or held.program_id in only]


def parked_ids(state: State) -> list[str]:
    """All parked programs, in no order; some may be known by their held turns alone."""
    return [*(program.id for program in state.line), *_held_ids(state)]


def _in_line(state: State, program: Program, ahead: int) -> Explanation:
    reason = why_parked(state, program)
    if reason is ParkReason.WEIGHT_SYNC:
        waits_for = "the end of the weight sync"
    elif reason is ParkReason.BEHIND:
        first = state.line.first()
        assert first is not None, "somebody is ahead"
        of_first = state.policy.waits_for(first, state.ledger, state.now)
        waits_for = f"{ahead:,} ahead of it; the first, {first.id}, waits for {of_first}"
    else:
        waits_for = state.policy.waits_for(program, state.ledger, state.now)
    waited_s = state.now - program.waiting[0].arrived_s
    bound_s = state.policy.max_wait_s
    forced_in_s = None if bound_s is None else max(0.0, bound_s - waited_s)
    return Explanation(program.id, reason, waits_for, ahead, waited_s, forced_in_s)


def _held(state: State) -> list[Explanation]:
    since_s = state.now if state.syncing_since_s is None else state.syncing_since_s
    waited_s = state.now - since_s
    reason, waits_for = ParkReason.WEIGHT_SYNC, "the end of the weight sync"
    return [Explanation(name, reason, waits_for, 0, waited_s, None) for name in _held_ids(state)]


def _held_ids(state: State) -> list[str]:
    """Held back by a weight sync alone."""
    names = dict.fromkeys(arrival.program_id for arrival in state.held.values())
    return [name for name in names if name not in state.programs or not state.programs[name].waiting]
