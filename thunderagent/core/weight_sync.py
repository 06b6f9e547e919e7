"""Weight syncs of RL training: no turn starts between their begin and their end."""

from __future__ import annotations

import math

from thunderagent.core.events import WeightSyncBegan, WeightSyncEnded
from thunderagent.core.state import State
from thunderagent.core.turns import begin


def began(state: State, event: WeightSyncBegan) -> None:
    """Hold back what arrives from now on; a second begin changes nothing."""
    if state.syncing_since_s is None:
        state.syncing_since_s = state.now


def ended(state: State, event: WeightSyncEnded) -> None:
    """Start what was held, in order; an end without a begin only says what became of the KV caches."""
    state.syncing_since_s = None
    if event.kv_lost:
        for backend in state.ledger.backends.values():
            state.ledger.lose_cache(backend)
    held, state.held = state.held, {}
    for arrival in held.values():
        program = state.programs.get(arrival.program_id)
        if program is not None and program.held_turns:
            program.held_turns -= 1
        begin(state, arrival)


def deadline_s(state: State) -> float:
    """When a running sync has lasted too long; infinite: never."""
    if state.syncing_since_s is None or state.limits.max_sync_s is None:
        return math.inf
    return state.syncing_since_s + state.limits.max_sync_s


def abandon_if_overdue(state: State) -> None:
    """A sync whose end never came: the trainer died. Nobody knows what the KV caches hold."""
    if state.now >= deadline_s(state):
        state.counters.syncs_abandoned += 1
        ended(state, WeightSyncEnded(kv_lost=True))
