"""Who gives up KV cache and who gets in, after every event."""

from __future__ import annotations

from thunderagent.core.departures import RETRY_AFTER_S, leave_backend, refuse_waiting
from thunderagent.core.effects import Admit, Demote, Park, ParkReason, RefuseCause
from thunderagent.core.ledger import Backend
from thunderagent.core.program import BIRTHS_PER_RANK, Program, Step
from thunderagent.core.state import State
from thunderagent.core.turn import Turn


def rebalance(state: State) -> None:
    """Shed what is too much, admit what fits, park what is left of the turns that have just arrived."""
    if state.policy.tick_s is None:
        for backend in state.grown.values():
            shed(state, backend)
        admit_waiting(state)
    elif len(state.line) == 1:
        _start_if_new(state)
    state.grown.clear()
    for turn in state.arrivals:
        if turn.admitted_s is None and turn.id in state.turns:
            state.counters.parked += 1
            state.effects.append(Park(turn.id, why_parked(state, turn.program)))
    state.arrivals.clear()


def why_parked(state: State, program: Program) -> ParkReason:
    """Why a program in line waits."""
    if state.syncing_since_s is not None:
        return ParkReason.WEIGHT_SYNC
    if state.line.first() is not program:
        return ParkReason.BEHIND
    return state.policy.park_reason


def admit_waiting(state: State) -> None:
    """Admit in strict order until the first that has to wait: none behind it may take its room."""
    line, policy, ledger = state.line, state.policy, state.ledger
    if not line.turns or state.syncing_since_s is not None:
        return
    while (program := (overdue := line.overdue(state.now)) or line.first()) is not None:
        if (problem := too_large(state, program.context_tokens)) is not None:
            refuse_waiting(state, program, *problem)  # the backend that could hold it has left or shrunk since it came
            continue
        place = policy.place(program, ledger, state.now)
        if place is not None:
            admit(state, program, place)
        elif (lent := policy.next_to_lend(state.now)) is not None:
            state.counters.lent += 1
            pause(state, lent)
        elif program is overdue and (place := policy.place_by_force(program, ledger)) is not None:
            state.counters.forced += 1
            admit(state, program, place)
        elif not _fill_empty_backend(state):
            return


def _fill_empty_backend(state: State) -> bool:
    """An empty backend that is too small for the first in line takes the smallest one instead of staying idle."""
    if not state.ledger.empty:
        return False
    smallest = state.line.smallest()
    for empty in state.ledger.empty.values():
        if smallest is not None and state.policy.fits(smallest, empty, state.now):
            admit(state, smallest, empty)
            return True
    return False


def _start_if_new(state: State) -> None:
    """Between ticks, a new program alone in line starts at once if there is room (the published rule)."""
    program = state.line.first()
    if program is None or program.origin_id is not None or state.syncing_since_s is not None:
        return
    place = state.policy.place(program, state.ledger, state.now)
    if place is not None:
        admit(state, program, place)


def admit(state: State, program: Program, backend: Backend) -> None:
    """Let all waiting turns of a program run here."""
    turns = state.line.leave(program)
    state.ledger.add(program, backend, Step.ADMIT)
    program.acting_since_s = program.avoid_id = None
    for turn in turns:
        start(state, turn, backend)
    if state.policy.tick_s is None:
        shed(state, backend)


def start(state: State, turn: Turn, backend: Backend) -> None:
    """Send a turn of a program that is resident here."""
    program = turn.program
    turn.admitted_s, turn.epoch = state.now, backend.epoch
    if program.epoch == backend.epoch:
        turn.told_cached_tokens = program.cached_tokens
    program.cached_tokens = None  # it is about to change
    program.recovered = False
    program.running.append(turn)
    state.counters.admitted += 1
    state.effects.append(Admit(turn.id, backend.id, program.priority * BIRTHS_PER_RANK + program.birth))


def shed(state: State, backend: Backend) -> None:
    """Pause what is idle, smallest first; then mark what runs, smallest first; never more than the excess."""
    policy, ledger = state.policy, state.ledger
    while policy.excess_tokens(backend, state.now) > 0:
        program = backend.acting.first()
        if program is not None:
            pause(state, program)
            continue
        program = backend.unmarked.first()
        if program is None:
            return
        ledger.change(program, marked=True)


def pause(state: State, program: Program) -> None:
    """A program between turns gives up its KV cache."""
    backend = leave_backend(state, program, Step.PAUSE)
    state.counters.pauses += 1
    if state.policy.tick_s is not None:
        state.paused.put(program, program.context_tokens)
    if state.policy.hints:
        state.effects.append(Demote(program.id, backend.id))


def too_large(state: State, context_tokens: int) -> tuple[RefuseCause, str, float | None] | None:
    """Why no backend can hold this context, and when to try again; None if one could."""
    limit_tokens = state.policy.largest_prompt_tokens(state.ledger)
    if limit_tokens is None or context_tokens <= limit_tokens or not state.ledger.any_usable:
        return None
    if any(_could_hold_once_up(backend, context_tokens) for backend in state.ledger.backends.values()):
        problem = f"no backend is up that could hold its context of {context_tokens} tokens"
        return RefuseCause.NO_BACKEND, problem, RETRY_AFTER_S
    problem = f"its context of {context_tokens} tokens is longer than the largest KV cache, {limit_tokens} tokens"
    return RefuseCause.TOO_LARGE, problem, None


def _could_hold_once_up(backend: Backend, context_tokens: int) -> bool:
    return not backend.healthy and (backend.capacity_tokens is None or context_tokens <= backend.capacity_tokens)
