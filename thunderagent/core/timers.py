"""The one timer that the host keeps for the scheduler, and what is due when it fires."""

from __future__ import annotations

from thunderagent.core import weight_sync
from thunderagent.core.effects import WakeAt
from thunderagent.core.events import TimerFired
from thunderagent.core.lifecycle import expire_idle
from thunderagent.core.state import State
from thunderagent.core.tick import tick


def fired(state: State, event: TimerFired) -> None:
    """Do what is due. A timer that fires early, as timers do, finds nothing and is asked for again."""
    state.alarm_s = None
    weight_sync.abandon_if_overdue(state)
    expire_idle(state)
    if state.next_tick_s is not None and state.now >= state.next_tick_s:
        state.next_tick_s = None
        tick(state)


def ask(state: State) -> None:
    """Ask to be woken when the next thing is due, unless the host already wakes us by then."""
    due_s = _next_due_s(state)
    if due_s is not None and (state.alarm_s is None or due_s < state.alarm_s):
        state.alarm_s = due_s
        state.effects.append(WakeAt(state.clock.host_time(due_s)))


def _next_due_s(state: State) -> float | None:
    due_s = state.first_expiry_s
    if state.syncing_since_s is not None:
        return _earlier(due_s, weight_sync.deadline_s(state))
    tick_s = state.policy.tick_s
    if tick_s is not None:  # all is decided then
        if state.next_tick_s is None and state.programs:
            state.next_tick_s = state.now + tick_s
        return _earlier(due_s, state.next_tick_s)
    if state.line.turns:
        due_s = _earlier(due_s, state.line.deadline_s())
        due_s = _earlier(due_s, state.policy.next_look_s())
    return due_s


def _earlier(first_s: float | None, second_s: float | None) -> float | None:
    if first_s is None or (second_s is not None and second_s < first_s):
        return second_s
    return first_s
