"""The one timer that the host keeps for the scheduler, and what is due when it fires."""

from __future__ import annotations

import math

from thunderagent.core import weight_sync
from thunderagent.core.effects import WakeAt
from thunderagent.core.events import TimerFired
from thunderagent.core.lifecycle import expire_idle
from thunderagent.core.state import State
from thunderagent.core.tick import tick


def fired(state: State, event: TimerFired) -> None:
    """Do what is due. A timer that fires early, as timers do, finds nothing and is asked for again."""
    state.alarm_s = math.inf
    weight_sync.abandon_if_overdue(state)
    expire_idle(state)
    if state.now >= state.next_tick_s:
        state.next_tick_s = math.inf
        tick(state)


def ask(state: State) -> None:
    """Ask to be woken when the next thing is due, unless the host already wakes us by then."""
    due_s = _next_due_s(state)
    if due_s < state.alarm_s:
        state.alarm_s = due_s
        state.effects.append(WakeAt(state.clock.host_time(due_s)))


def _next_due_s(state: State) -> float:
    if state.syncing_since_s is not None:
        return min(state.first_expiry_s, weight_sync.deadline_s(state))
    tick_s = state.policy.tick_s
    if tick_s is not None:  # all is decided then
        if state.next_tick_s == math.inf and state.programs:
            state.next_tick_s = state.now + tick_s
        return min(state.first_expiry_s, state.next_tick_s)
    if not state.line.turns:
        return state.first_expiry_s
    return min(state.first_expiry_s, state.line.deadline_s(), state.policy.next_look_s())
