"""Turns and programs go: refused, withdrawn, over."""

from __future__ import annotations

from thunderagent.core.effects import Free, ReclaimTools, Refuse, RefuseCause
from thunderagent.core.ledger import Backend
from thunderagent.core.program import Program, Status, Step
from thunderagent.core.state import State
from thunderagent.core.turn import Turn

RETRY_AFTER_S = 5.0
"""Advice for turns refused because no backend is up: about the time in which a supervisor restarts an engine's front."""


def refuse(state: State, turn_id: int, cause: RefuseCause, reason: str, retry_after_s: float | None = None) -> None:
    """A turn will not be run."""
    state.counters.refused += 1
    state.effects.append(Refuse(turn_id, cause, reason, retry_after_s))


def refuse_waiting(state: State, program: Program, cause: RefuseCause, reason: str, retry_after_s: float | None) -> None:
    """All waiting turns of a program will not be run."""
    for turn in list(program.waiting):
        refuse(state, turn.id, cause, reason, retry_after_s)
        withdraw(state, turn)


def longest_waiting(program: Program, prompt_tokens: int = 0) -> int:
    """The context of a parked program: its waiting turns, and one more, share it, so the longest counts."""
    return max(prompt_tokens, program.shared_tokens, *(turn.prompt_tokens for turn in program.waiting))


def withdraw(state: State, turn: Turn) -> None:
    """One waiting turn goes; a program that never ran leaves no trace."""
    program = turn.program
    del state.turns[turn.id]
    state.line.withdraw(turn)
    if program.waiting:
        program.context_tokens = longest_waiting(program)
        state.line.resize(program)
        return
    program.take(Step.WITHDRAW)
    if program.origin_id is None and not program.held_turns:
        end(state, program)
    elif not program.held_turns:
        state.became_idle(program)


def leave_backend(state: State, program: Program, step: Step) -> Backend:
    """Stop counting a resident program by this step, and tell the policy if it was between turns."""
    backend = program.backend
    assert backend is not None, f"{program.id} is not resident"
    if program.status is Status.ACTING:
        state.policy.acting_ended(program, backend, state.now)
    return state.ledger.remove(program, step)


def end(state: State, program: Program) -> None:
    """A program is over, whatever it was doing: turns of it that wait are refused, those that run are nobody's any more."""
    for turn in state.line.leave(program):
        del state.turns[turn.id]
        refuse(state, turn.id, RefuseCause.RELEASED, "its program was released")
    for turn in program.running:
        del state.turns[turn.id]
    program.running.clear()
    if program.backend is None:
        program.take(Step.RELEASE)
    else:
        backend = leave_backend(state, program, Step.RELEASE)
        if state.policy.hints:
            state.effects.append(Free(program.id, backend.id))
    state.idle.discard(program)
    state.paused.discard(program)
    state.prefixes.leave(program)
    del state.programs[program.id]
    state.ledger.note(program)
    state.effects.append(ReclaimTools(program.id))
