"""One line in the log for each change in the life of a program, at debug: names and numbers, never what was asked or answered."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from thunderagent.core import (
    Admit,
    BackendLeft,
    Effect,
    Event,
    Park,
    PrepareTools,
    ProgramReleased,
    ReclaimTools,
    Refuse,
    TurnArrived,
)
from thunderagent.runtime.runtime import Runtime

logger = logging.getLogger(__name__)

LINES_PER_S = 200
"""More can be neither read nor kept; what was left out is counted in the next line."""


def log_programs(runtime: Runtime) -> None:
    """From now on, if the level of this log is debug now; otherwise nothing is looked at, and it costs nothing."""
    if logger.isEnabledFor(logging.DEBUG):
        runtime.watch(LifecycleLog(runtime))


class LifecycleLog:
    """Called with every event of a runtime and its effects. Where programs were paused, it costs O(active programs)."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._active: set[str] = set()
        """Programs whose KV is counted, as far as was told."""
        self._pauses = self._expired = self._evicted = 0
        self._second, self._lines, self._left_out = -1, 0, 0

    def __call__(self, event: Event, effects: Sequence[Effect]) -> None:
        """Tell what has changed."""
        counters = self._runtime.scheduler.counters
        for effect in effects:
            match effect:
                case PrepareTools(program_id):
                    self._tell("arrived", program_id, **_origin(event))
                case Park(turn_id, reason):
                    self._turn("parked", turn_id, reason=str(reason))
                case Admit(turn_id, backend_id):
                    turn = self._runtime.running(turn_id)
                    if turn is not None and turn.program_id not in self._active:
                        self._active.add(turn.program_id)
                        self._turn("admitted", turn_id, backend=backend_id, waited_s=turn.waited_s)
                case Refuse(turn_id, cause):
                    self._turn("refused", turn_id, cause=str(cause))
                case ReclaimTools(program_id):
                    self._active.discard(program_id)
                    self._tell(self._end(event, program_id), program_id)
                case _:
                    pass
        if counters.pauses != self._pauses or isinstance(event, BackendLeft):
            self._tell_of_paused("lost its backend" if isinstance(event, BackendLeft) else "paused")
        self._pauses, self._expired, self._evicted = counters.pauses, counters.expired, counters.evicted

    def _end(self, event: Event, program_id: str) -> str:
        counters = self._runtime.scheduler.counters
        if isinstance(event, ProgramReleased) and event.program_id == program_id:
            return "released"
        if counters.expired != self._expired:
            return "expired"
        return "forgotten to make room" if counters.evicted != self._evicted else "withdrawn before it ran"

    def _tell_of_paused(self, what: str) -> None:
        programs = self._runtime.scheduler.programs
        for program_id in [name for name in self._active if name in programs and programs[name].backend is None]:
            self._active.discard(program_id)
            program = programs[program_id]
            self._tell(what, program_id, tokens=program.context_tokens, backend=program.origin_id)

    def _turn(self, what: str, turn_id: int, **fields: Any) -> None:
        turn = self._runtime.running(turn_id)
        if turn is not None:
            self._tell(what, turn.program_id, **fields)

    def _tell(self, what: str, program_id: str, **fields: Any) -> None:
        second = int(self._runtime.now())
        if second != self._second:
            self._second, self._lines = second, 0
        self._lines += 1
        if self._lines > LINES_PER_S:
            self._left_out += 1
            return
        if self._left_out:
            fields["lines_left_out"], self._left_out = self._left_out, 0
        logger.debug("program %s", what, extra={"program": program_id, **fields})


def _origin(event: Event) -> dict[str, str]:
    """Where a program comes from; what held its first turn back may have told already."""
    if not isinstance(event, TurnArrived):
        return {}
    return {name: value for name, value in (("group", event.group), ("phase", event.phase)) if value}
