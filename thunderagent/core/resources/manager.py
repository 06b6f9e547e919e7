"""The front of all sandboxes: hands events to their handlers, begins preparations, asks for the next timer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from thunderagent.core.effects import WakeAt
from thunderagent.core.resources import events, handlers
from thunderagent.core.resources.budgets import Budgets
from thunderagent.core.resources.events import ResourceEffect, ResourceEvent
from thunderagent.core.resources.pool import Pool
from thunderagent.core.resources.preparation import begin_all

_HANDLERS: dict[type[Any], Callable[[Pool, Any], None]] = {
    events.Wanted: handlers.wanted,
    events.Expected: handlers.expected,
    events.Needed: handlers.needed,
    events.Attached: handlers.attached,
    events.Recovered: handlers.recovered,
    events.Prepared: handlers.prepared,
    events.PreparationFailed: handlers.preparation_failed,
    events.ProgramOver: handlers.program_over,
    events.Unwanted: handlers.unwanted,
    events.DiskSeen: handlers.disk_seen,
    events.Released: handlers.released,
    events.ReleaseFailed: handlers.release_failed,
    events.Vanished: handlers.vanished,
    events.ImageSeen: handlers.image_seen,
    events.ImageRemoved: handlers.image_removed,
    events.ShutDown: handlers.shut_down,
    events.TimerFired: handlers.timer_fired,
}


class Sandboxes:
    """Of one owner. The same events at the same times give the same effects."""

    def __init__(self, budgets: Budgets | None = None) -> None:
        """There are none yet."""
        self.pool = Pool(budgets or Budgets())

    def follow_changes(self) -> set[str]:
        """Gets the id of every program that has something else than before, from now on; to be emptied by its reader."""
        if self.pool.changed is None:
            self.pool.changed = set()
        return self.pool.changed

    def handle(self, event: ResourceEvent, now: float) -> tuple[ResourceEffect, ...]:
        """What is to be done, in order.

        Raises:
            IllegalSandboxStep: the event does not fit the state of its sandbox.
        """
        pool = self.pool
        pool.now = max(pool.now, now)
        _HANDLERS[type(event)](pool, event)
        begin_all(pool)
        self._ask_for_a_timer()
        effects, pool.effects = tuple(pool.effects), []
        return effects

    def _ask_for_a_timer(self) -> None:
        pool = self.pool
        ttl_s = pool.budgets.idle_ttl_s
        idle_until_s = math.inf if ttl_s is None else pool.idle.first_key(math.inf) + ttl_s
        later_s = min(pool.later.first_key(math.inf), pool.release_later.first_key(math.inf))
        due_s = min(later_s, idle_until_s, pool.images.next_try_s(pool.now))
        if due_s < pool.alarm_s:
            pool.alarm_s = due_s
            pool.effects.append(WakeAt(due_s))
