"""The published tick: every few seconds pause what is too much, then resume what fits the free space of all backends together.

Kept as published so that it can be compared with: programs are selected shortest first while they fit the summed free space,
placed largest first where most is free, and programs between turns are resumed ahead of their turn if space is left.
"""

from __future__ import annotations

from thunderagent.core.admission import admit, shed
from thunderagent.core.program import Program, Step
from thunderagent.core.state import State


def tick(state: State) -> None:
    """O(backends + what is paused or resumed)."""
    for backend in state.ledger.backends.values():
        shed(state, backend)
    if state.syncing_since_s is None:
        _force_overdue(state)
        _resume(state)


def _force_overdue(state: State) -> None:
    while (program := state.line.overdue(state.now)) is not None:
        backend = state.policy.place_by_force(program, state.ledger)
        assert backend is not None, "whoever is in line has a backend to wait for"
        state.counters.forced += 1
        admit(state, program, backend)


def _resume(state: State) -> None:
    usable = [backend for backend in state.ledger.backends.values() if backend.usable]
    free_tokens = sum(max(0.0, state.policy.free_tokens(backend, state.now)) for backend in usable)
    waiting = []
    while (program := state.line.first()) is not None and program.context_tokens <= free_tokens:
        free_tokens -= program.context_tokens
        waiting.append((program, state.line.leave(program)))
    waiting.sort(key=lambda selected: -selected[0].context_tokens)
    for program, turns in waiting:
        for turn in turns:
            state.line.join(program, turn)
        backend = state.ledger.least_loaded()
        if backend is not None and state.policy.fits(program, backend, state.now):
            admit(state, program, backend)
    if not state.line:
        _resume_between_turns(state, free_tokens)


def _resume_between_turns(state: State, free_tokens: float) -> None:
    while (program := state.paused.first()) is not None:
        if program.context_tokens > free_tokens or not _resume_one(state, program):
            return
        free_tokens -= program.context_tokens
        state.paused.discard(program)


def _resume_one(state: State, program: Program) -> bool:
    backend = state.ledger.least_loaded()
    if backend is None or not state.policy.fits(program, backend, state.now):
        return False
    state.ledger.add(program, backend, Step.RESUME)
    program.acting_since_s = state.now
    program.epoch = 0  # nothing of it is in this backend's cache
    state.policy.acting_began(program, backend, state.now)
    return True
