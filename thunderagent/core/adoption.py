"""Turns that run already when the scheduler hears of them: it was restarted, or their gateway was cut off from it for a while."""

from __future__ import annotations

from thunderagent.core import sane
from thunderagent.core.admission import start
from thunderagent.core.departures import leave_backend
from thunderagent.core.events import TurnAdopted
from thunderagent.core.ledger import Backend
from thunderagent.core.lifecycle import new_program
from thunderagent.core.program import Program, Status, Step
from thunderagent.core.state import State
from thunderagent.core.turn import Turn


def adopted(state: State, event: TurnAdopted) -> None:
    """Count the turn's program where it runs; one that cannot be counted runs on untracked, and its end is a late event."""
    program, backend = state.programs.get(event.program_id), state.ledger.backends.get(event.backend_id)
    if backend is None or _known(state, event.turn_id) or _bound_elsewhere(state, program, backend):
        state.counters.late_events += 1
        return
    arrival = sane.arrival(event, state.counters)
    prompt_tokens = sane.tokens(state.estimator.prompt_tokens(arrival, program), state.counters)
    if program is None:
        program = new_program(state, arrival, prompt_tokens)
        if program is None:  # too many are tracked
            state.counters.late_events += 1
            return
        program.held_turns = sum(held.program_id == program.id for held in state.held.values())
    state.counters.adopted += 1
    turn = Turn(event.turn_id, program, prompt_tokens, arrival.prompt_characters, arrival.prompt_images, state.now, state.now)
    turn.epoch, turn.adopted = backend.epoch, True
    state.turns[turn.id] = turn
    _settle_at(state, program, backend, prompt_tokens)
    program.running.append(turn)
    for waiting in state.line.leave(program):
        start(state, waiting, backend)
    state.grown[backend.birth] = backend


def _known(state: State, turn_id: int) -> bool:
    return turn_id in state.turns or turn_id in state.held


def _bound_elsewhere(state: State, program: Program | None, backend: Backend) -> bool:
    """A program is on one backend at a time; one that waits for a weight sync's end must not start by this."""
    if program is None:
        return False
    return bool(program.running and program.backend is not backend) or bool(program.waiting and state.syncing_since_s is not None)


def _settle_at(state: State, program: Program, backend: Backend, prompt_tokens: int) -> None:
    """Its program is resident here and REASONING, wherever it was counted before."""
    state.idle.discard(program)
    state.paused.discard(program)
    context_tokens = max(
        prompt_tokens, program.shared_tokens, *(turn.prompt_tokens for turn in program.running + program.waiting)
    )
    if program.running:
        context_tokens = max(context_tokens, program.context_tokens)
    if program.backend is backend:
        if program.status is Status.ACTING:
            state.policy.acting_ended(program, backend, state.now)
        state.ledger.change(program, step=Step.ADOPT, context_tokens=context_tokens)
    else:
        if program.backend is not None:
            leave_backend(state, program, Step.LOSE_BACKEND)
        program.context_tokens = context_tokens
        state.ledger.add(program, backend, Step.ADOPT)
    program.acting_since_s = program.avoid_id = program.cached_tokens = None
    program.recovered = False
