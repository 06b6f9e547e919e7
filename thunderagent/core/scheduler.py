"""The scheduler: events in, effects out. Everything is decided here and in the modules that it hands events to."""

from __future__ import annotations

import math
from collections.abc import Callable, Container
from typing import Any

from thunderagent.core import adoption, events, explain, fleet, invariants, lifecycle, residency, timers, turns, weight_sync
from thunderagent.core.admission import rebalance
from thunderagent.core.counters import Counters
from thunderagent.core.effects import Effect
from thunderagent.core.events import Event
from thunderagent.core.explain import Explanation
from thunderagent.core.ledger import Ledger
from thunderagent.core.limits import Limits
from thunderagent.core.policies import Policy
from thunderagent.core.program import Program
from thunderagent.core.state import State
from thunderagent.core.tool_times import ToolTimes
from thunderagent.errors import ContractError


class Scheduler:
    """Decides, event by event, which turns run where.

    ``handle`` costs O(log programs), and O(1) more for everything that it makes happen. The same events at the same times give
    the same effects.
    """

    __slots__ = ("_state",)

    def __init__(self, policy: Policy, limits: Limits | None = None) -> None:
        """A policy instance belongs to one scheduler."""
        self._state = State(policy, limits or Limits(), policy.tools or ToolTimes())

    def handle(self, event: Event, now: float) -> tuple[Effect, ...]:
        """Take one event in; return what is to be done, in order. ``now`` is the host's monotonic clock in seconds.

        Raises:
            ContractError: the event is of no known type, or does not fit the state of its turn; nothing was changed.
        """
        handler = _HANDLERS.get(type(event))
        if handler is None:
            raise ContractError(f"{event!r} is no event of thunderagent.core")
        state = self._state
        state.now = state.clock.advance(now, state.alarm_s)
        if state.clock.corrections != state.counters.clock_corrections:
            state.counters.clock_corrections = state.clock.corrections
            state.alarm_s = math.inf  # it was asked for in a time that has jumped since
        handler(state, event)
        if handler is not turns.first_token:  # it says how fast an engine is, and makes no room
            rebalance(state)
            timers.ask(state)
        effects, state.effects = state.effects, []
        return tuple(effects)

    @property
    def policy(self) -> Policy:
        """The policy that it was made with."""
        return self._state.policy

    @property
    def limits(self) -> Limits:
        """What bounds its memory and patience."""
        return self._state.limits

    @property
    def programs(self) -> dict[str, Program]:
        """All programs by id; to be read only."""
        return self._state.programs

    @property
    def ledger(self) -> Ledger:
        """The account of all backends; to be read only."""
        return self._state.ledger

    @property
    def counters(self) -> Counters:
        """Totals since the start."""
        return self._state.counters

    @property
    def syncing(self) -> bool:
        """Whether a weight sync is under way."""
        return self._state.syncing_since_s is not None

    @property
    def now_s(self) -> float:
        """Time of the last event, by the clock of all times here: the host's without its jumps."""
        return self._state.now

    @property
    def waiting_turns(self) -> int:
        """Turns that are held back now, by a lack of room or a weight sync."""
        return len(self._state.held) + self._state.line.turns

    def rank(self, program_id: str) -> tuple[float, ...]:
        """When a program will run, to order by: those that have been admitted first, then the line, then whoever is not known."""
        program = self.programs.get(program_id)
        if program is None:
            return (2.0,)
        in_line = program in self._state.line
        return (1.0, *self._state.line.place(program), program.birth) if in_line else (0.0, program.birth)

    def explain(self, program_id: str) -> Explanation | None:
        """Why a program is parked and what it waits for; None if it is not. O(programs in line)."""
        return explain.explain(self._state, program_id)

    def explain_all(self, only: Container[str] | None = None) -> list[Explanation]:
        """The same of all parked programs, or of those of ``only``; first in line first. O(n log n) in all that are parked."""
        return explain.explain_all(self._state, only)

    def parked_ids(self) -> list[str]:
        """All parked programs, in no order. During a weight sync some are not among ``programs`` yet. O(n)."""
        return explain.parked_ids(self._state)

    def check_invariants(self) -> None:
        """Recompute every sum from scratch and compare; for tests, O(programs)."""
        invariants.check(self._state)


_HANDLERS: dict[type[Any], Callable[[State, Any], None]] = {
    events.TurnArrived: turns.arrived,
    events.TurnAdopted: adoption.adopted,
    events.FirstToken: turns.first_token,
    events.Progress: turns.progress,
    events.TurnEnded: turns.ended,
    events.TurnCancelled: turns.cancelled,
    events.ProgramReleased: lifecycle.released,
    events.BackendJoined: fleet.joined,
    events.BackendLeft: fleet.left,
    events.CapacityChanged: fleet.capacity_changed,
    events.HealthChanged: fleet.health_changed,
    events.BackendAvoided: fleet.avoided,
    events.CacheLost: fleet.cache_lost,
    events.KvResident: residency.told,
    events.WeightSyncBegan: weight_sync.began,
    events.WeightSyncEnded: weight_sync.ended,
    events.TimerFired: timers.fired,
}
