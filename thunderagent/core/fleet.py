"""Backends join, leave, change capacity or health, or lose their KV cache."""

from __future__ import annotations

from thunderagent.core import sane, statistics
from thunderagent.core.departures import RETRY_AFTER_S, leave_backend, refuse_waiting
from thunderagent.core.effects import Abort, RefuseCause
from thunderagent.core.events import BackendAvoided, BackendJoined, BackendLeft, CacheLost, CapacityChanged, HealthChanged
from thunderagent.core.ledger import Backend
from thunderagent.core.program import Step
from thunderagent.core.state import State


def joined(state: State, event: BackendJoined) -> None:
    """A new backend; one that is known changes its capacity only."""
    if event.backend_id in state.ledger.backends:
        capacity_changed(state, CapacityChanged(event.backend_id, event.capacity_tokens, event.host_tokens))
        return
    capacity_tokens, host_tokens = _capacity(state, event.capacity_tokens), sane.tokens(event.host_tokens, state.counters)
    statistics.recall(state, state.ledger.join(event.backend_id, capacity_tokens, host_tokens))


def left(state: State, event: BackendLeft) -> None:
    """A backend is gone with its KV cache: its running turns are aborted, its programs resume elsewhere."""
    backend = _known(state, event.backend_id)
    if backend is None:
        return
    for program in list(backend.programs.values()):
        running, program.running = program.running, []
        for turn in running:
            del state.turns[turn.id]
            state.counters.aborted += 1
            state.effects.append(Abort(turn.id, backend.id))
        leave_backend(state, program, Step.LOSE_BACKEND)
        if running:
            program.acting_since_s = None  # nobody knows what its client does now: no tool call to measure
            if program.idle:
                state.became_idle(program)
    state.ledger.leave(backend)
    refuse_if_none_is_left(state)


def capacity_changed(state: State, event: CapacityChanged) -> None:
    """A backend's KV cache was measured anew."""
    backend = _known(state, event.backend_id)
    if backend is not None:
        backend.capacity_tokens = _capacity(state, event.capacity_tokens)
        backend.host_tokens = sane.tokens(event.host_tokens, state.counters)
        state.ledger.reassess(backend)
        state.grown[backend.birth] = backend
        refuse_if_none_is_left(state)


def health_changed(state: State, event: HealthChanged) -> None:
    """A backend stopped or started answering; what runs on it goes on."""
    backend = _known(state, event.backend_id)
    if backend is not None:
        backend.healthy = event.healthy
        state.ledger.reassess(backend)
        refuse_if_none_is_left(state)


def avoided(state: State, event: BackendAvoided) -> None:
    """A program has failed there. Where there is no other backend, or turns of it run there, it stays."""
    backend, program = _known(state, event.backend_id), state.programs.get(event.program_id)
    if backend is None:
        return
    if program is None:
        state.counters.late_events += 1
        return
    if program.running or state.ledger.least_loaded(besides=backend) in (backend, None):
        return
    program.avoid_id = backend.id
    if program.backend is backend:
        leave_backend(state, program, Step.LOSE_BACKEND)
        program.acting_since_s = None  # it is about to try again: no tool call to measure


def cache_lost(state: State, event: CacheLost) -> None:
    """No program's KV is there any more."""
    backend = _known(state, event.backend_id)
    if backend is not None:
        state.ledger.lose_cache(backend)


def refuse_if_none_is_left(state: State) -> None:
    """Nobody is left waiting for a backend that may never come."""
    if state.ledger.least_loaded() is None:
        for program in sorted(state.line, key=lambda program: program.birth):
            refuse_waiting(state, program, RefuseCause.NO_BACKEND, "no backend is up", RETRY_AFTER_S)


def _capacity(state: State, tokens: int | None) -> int | None:
    return None if tokens is None else sane.tokens(tokens, state.counters)


def _known(state: State, backend_id: str) -> Backend | None:
    backend = state.ledger.backends.get(backend_id)
    if backend is None:
        state.counters.late_events += 1
    return backend
