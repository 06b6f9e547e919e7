"""The scheduler: events in, effects out. It holds all state and decides nothing that a policy decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from thunderagent.core.counters import Counters
from thunderagent.core.effects import Abort, Admit, Effect, Park, ParkReason, Refuse, WakeAt
from thunderagent.core.events import (
    BackendJoined,
    BackendLeft,
    CapacityChanged,
    Event,
    FirstToken,
    ProgramReleased,
    TimerFired,
    TurnArrived,
    TurnCancelled,
    TurnEnded,
    WeightSyncBegan,
    WeightSyncEnded,
)
from thunderagent.core.ledger import Backend, Ledger
from thunderagent.core.policies import Policy
from thunderagent.core.program import Program, Step
from thunderagent.core.waiting import WaitingLine

RETRY_AFTER_S = 5.0
"""Advice for turns refused because no backend is up: about the time in which a supervisor restarts an engine's front."""


@dataclass(slots=True)
class _Group:
    """A prompt group while any of its programs lives."""

    shared_tokens: int
    programs: int = 0


@dataclass(slots=True)
class Scheduler:
    """Decides, event by event, which turns run where. ``handle`` costs O(log programs + backends)."""

    policy: Policy
    ledger: Ledger = field(default_factory=Ledger)
    programs: dict[str, Program] = field(default_factory=dict)
    counters: Counters = field(default_factory=Counters)
    _turns: dict[int, Program] = field(default_factory=dict)
    _groups: dict[str, _Group] = field(default_factory=dict)
    _line: WaitingLine = field(init=False)
    _held: dict[int, TurnArrived] = field(default_factory=dict)
    """Turns that arrived during a weight sync, in order."""
    _syncing: bool = False
    _births: int = 0
    _now: float = float("-inf")
    _wake_at: float | None = None

    def __post_init__(self) -> None:
        self._line = WaitingLine(self.policy)

    def handle(self, event: Event, now: float) -> tuple[Effect, ...]:
        """Take one event in; return what is to be done, in order. ``now`` is in seconds and never taken to run backwards."""
        self._now = max(self._now, now)
        effects: list[Effect] = []
        _HANDLERS[type(event)](self, event, effects)
        return tuple(effects)

    @property
    def waiting_turns(self) -> int:
        """Turns that are held back now, by a lack of room or a weight sync."""
        return len(self._held) + self._line.turns

    # Turns

    def _turn_arrived(self, event: TurnArrived, effects: list[Effect]) -> None:
        self.counters.turns += 1
        if self._syncing:
            self._held[event.turn_id] = event
            self.counters.parked += 1
            effects.append(Park(event.turn_id, ParkReason.WEIGHT_SYNC))
            return
        self._start(event, effects)

    def _start(self, event: TurnArrived, effects: list[Effect]) -> None:
        refusal = self._why_refuse(event)
        if refusal is not None:
            self.counters.refused += 1
            effects.append(refusal)
            return
        program = self.programs.get(event.program_id) or self._new_program(event)
        self._turns[event.turn_id] = program
        if program.resident:
            self._continue(program, event, effects)
            return
        program.context_tokens = max(event.prompt_tokens, program.shared_tokens)
        program.take(Step.PARK)
        self._line.join(program, event.turn_id, self._now)
        self._admit_waiting(effects)
        if event.turn_id in program.waiting:
            self.counters.parked += 1
            effects.append(Park(event.turn_id, ParkReason.NO_ROOM))

    def _continue(self, program: Program, event: TurnArrived, effects: list[Effect]) -> None:
        """A resident's next turn is sent at once: its KV is there. If that is too much, others give way."""
        context_tokens = max(event.prompt_tokens, program.shared_tokens)
        if program.running:  # parallel turns of one program share its prefix: the longest counts
            context_tokens = max(context_tokens, program.context_tokens)
        self.ledger.change(program, step=Step.ADMIT, context_tokens=context_tokens)
        program.running.add(event.turn_id)
        backend = self.ledger.backends[program.backend_id or ""]
        self.counters.admitted += 1
        effects.append(Admit(event.turn_id, backend.id))
        self._shed(backend)

    def _first_token(self, event: FirstToken, effects: list[Effect]) -> None:
        if event.turn_id not in self._turns:
            self.counters.late_events += 1

    def _turn_ended(self, event: TurnEnded, effects: list[Effect]) -> None:
        program = self._turns.get(event.turn_id)
        if program is None or event.turn_id not in program.running:
            self.counters.late_events += 1
            return
        context_tokens = program.context_tokens
        if event.usage is not None:
            context_tokens = max(event.usage.context_tokens, program.shared_tokens)
            if len(program.running) > 1:
                context_tokens = max(context_tokens, program.context_tokens)
        self._end_running(program, event.turn_id, context_tokens, effects)

    def _turn_cancelled(self, event: TurnCancelled, effects: list[Effect]) -> None:
        program = self._turns.get(event.turn_id)
        if self._held.pop(event.turn_id, None) is not None:
            self.counters.cancelled += 1
        elif program is None:
            self.counters.late_events += 1
        elif event.turn_id in program.running:
            self.counters.cancelled += 1
            self._end_running(program, event.turn_id, program.context_tokens, effects)
        else:
            self.counters.cancelled += 1
            self._withdraw(program, event.turn_id)
            self._admit_waiting(effects)

    def _end_running(self, program: Program, turn_id: int, context_tokens: int, effects: list[Effect]) -> None:
        backend = self.ledger.backends[program.backend_id or ""]
        del self._turns[turn_id]
        program.running.discard(turn_id)
        step = None if program.running else Step.ALL_TURNS_ENDED
        was_marked = program.marked and not program.running
        self.ledger.change(program, step=step, context_tokens=context_tokens, marked=program.marked and not was_marked)
        if was_marked and self.policy.excess_tokens(backend) > 0:
            self._pause(program)
        self._shed(backend)
        self._admit_waiting(effects)

    # Programs

    def _new_program(self, event: TurnArrived) -> Program:
        program = Program(event.program_id, birth=self._births, group=event.group)
        self._births += 1
        self.programs[program.id] = program
        if program.group:
            group = self._groups.setdefault(program.group, _Group(event.prompt_tokens))
            group.programs += 1
            program.shared_tokens = min(group.shared_tokens, event.prompt_tokens)
        return program

    def _program_released(self, event: ProgramReleased, effects: list[Effect]) -> None:
        for turn_id in [held.turn_id for held in self._held.values() if held.program_id == event.program_id]:
            del self._held[turn_id]
            self._refuse(turn_id, "its program was released", effects)
        program = self.programs.get(event.program_id)
        if program is None:
            self.counters.late_events += 1
            return
        for turn_id in self._line.leave(program):
            del self._turns[turn_id]
            self._refuse(turn_id, "its program was released", effects)
        for turn_id in program.running:
            del self._turns[turn_id]
        if program.resident:
            self.ledger.remove(program, Step.RELEASE)
        else:
            program.take(Step.RELEASE)
        self.counters.released += 1
        self._forget(program)
        self._admit_waiting(effects)

    def _forget(self, program: Program) -> None:
        del self.programs[program.id]
        if program.group:
            group = self._groups[program.group]
            group.programs -= 1
            if group.programs == 0:
                del self._groups[program.group]

    # Admission and pausing

    def _why_refuse(self, event: TurnArrived) -> Refuse | None:
        if not self.ledger.backends:
            return Refuse(event.turn_id, "no backend is up", RETRY_AFTER_S)
        too_large = self._why_too_large(event.prompt_tokens)
        return None if too_large is None else Refuse(event.turn_id, too_large)

    def _why_too_large(self, tokens: int) -> str | None:
        limit_tokens = self.policy.largest_prompt_tokens(self.ledger)
        if limit_tokens is None or tokens <= limit_tokens:
            return None
        return f"its context of {tokens} tokens is longer than the largest KV cache, {limit_tokens} tokens"

    def _refuse(self, turn_id: int, reason: str, effects: list[Effect], retry_after_s: float | None = None) -> None:
        self.counters.refused += 1
        effects.append(Refuse(turn_id, reason, retry_after_s))

    def _withdraw(self, program: Program, turn_id: int) -> None:
        """One waiting turn goes; a program that never ran leaves no trace."""
        del self._turns[turn_id]
        self._line.withdraw(program, turn_id)
        if program.waiting:
            return
        program.take(Step.WITHDRAW)
        if program.origin_id is None:
            program.take(Step.RELEASE)
            self._forget(program)

    def _admit_waiting(self, effects: list[Effect]) -> None:
        """Admit in strict order until the first that has to wait: none behind it may take its room."""
        if self._syncing or not self.ledger.backends:
            return
        while (program_id := self._line.next(self._now)) is not None:
            program = self.programs[program_id]
            too_large = self._why_too_large(program.context_tokens)
            if too_large is not None:  # the backend that could hold it has left or shrunk since it came
                self._refuse_waiting(program, too_large, None, effects)
                continue
            place = self.policy.place(program, self.ledger)
            if place is None:
                if self._line.overdue(self._now) is None:
                    break
                place = self.policy.place_by_force(program, self.ledger)
                self.counters.forced += 1
            self._admit(program, place, effects)
        self._ask_to_be_woken(effects)

    def _admit(self, program: Program, backend: Backend, effects: list[Effect]) -> None:
        turn_ids = self._line.leave(program)
        self.ledger.add(program, backend, Step.ADMIT)
        for turn_id in turn_ids:
            program.running.add(turn_id)
            self.counters.admitted += 1
            effects.append(Admit(turn_id, backend.id))
        self._shed(backend)

    def _shed(self, backend: Backend) -> None:
        """Pause what is idle, smallest first; then mark what runs, smallest first; never more than the excess."""
        while self.policy.excess_tokens(backend) > 0:
            program_id = backend.acting.first()
            if program_id is not None:
                self._pause(self.programs[program_id])
                continue
            program_id = backend.unmarked.first()
            if program_id is None or len(backend.unmarked) == 1:  # the last one runs on: it gives way to nobody
                return
            self.ledger.change(self.programs[program_id], marked=True)

    def _pause(self, program: Program) -> None:
        self.ledger.remove(program, Step.PAUSE)
        self.counters.pauses += 1

    # Backends, weights, time

    def _backend_joined(self, event: BackendJoined, effects: list[Effect]) -> None:
        if event.backend_id in self.ledger.backends:
            self._capacity_changed(CapacityChanged(event.backend_id, event.capacity_tokens), effects)
            return
        self.ledger.backends[event.backend_id] = Backend(event.backend_id, event.capacity_tokens)
        self._admit_waiting(effects)

    def _capacity_changed(self, event: CapacityChanged, effects: list[Effect]) -> None:
        backend = self.ledger.backends.get(event.backend_id)
        if backend is None:
            self.counters.late_events += 1
            return
        backend.capacity_tokens = event.capacity_tokens
        self._shed(backend)
        self._admit_waiting(effects)

    def _backend_left(self, event: BackendLeft, effects: list[Effect]) -> None:
        backend = self.ledger.backends.get(event.backend_id)
        if backend is None:
            self.counters.late_events += 1
            return
        for program in list(backend.programs.values()):
            for turn_id in sorted(program.running):
                del self._turns[turn_id]
                effects.append(Abort(turn_id, backend.id))
            program.running.clear()
            self.ledger.remove(program, Step.LOSE_BACKEND)
        del self.ledger.backends[backend.id]
        if not self.ledger.backends:
            self._refuse_all_waiting(effects)
        self._admit_waiting(effects)

    def _refuse_all_waiting(self, effects: list[Effect]) -> None:
        for program in [self.programs[program_id] for program_id in self._line]:
            self._refuse_waiting(program, "no backend is up", RETRY_AFTER_S, effects)

    def _refuse_waiting(self, program: Program, reason: str, retry_after_s: float | None, effects: list[Effect]) -> None:
        for turn_id in list(program.waiting):
            self._withdraw(program, turn_id)
            self._refuse(turn_id, reason, effects, retry_after_s)

    def _weight_sync_began(self, event: WeightSyncBegan, effects: list[Effect]) -> None:
        self._syncing = True

    def _weight_sync_ended(self, event: WeightSyncEnded, effects: list[Effect]) -> None:
        self._syncing = False
        held, self._held = self._held, {}
        for arrival in held.values():
            self._start(arrival, effects)
        self._admit_waiting(effects)

    def _timer_fired(self, event: TimerFired, effects: list[Effect]) -> None:
        self._wake_at = None  # also when it fired a little early, as timers do: the next one is asked for below
        self._admit_waiting(effects)

    def _ask_to_be_woken(self, effects: list[Effect]) -> None:
        """One timer stands at a time: for the oldest waiting turn."""
        deadline_s = self._line.deadline_s()
        if deadline_s is not None and self._wake_at is None:
            self._wake_at = deadline_s
            effects.append(WakeAt(deadline_s))

    def check_invariants(self) -> None:
        """Recompute every sum from scratch and compare; for tests, O(programs)."""
        from thunderagent.core.invariants import check

        check(self)


_HANDLERS: dict[type[Any], Callable[[Scheduler, Any, list[Effect]], None]] = {
    TurnArrived: Scheduler._turn_arrived,
    FirstToken: Scheduler._first_token,
    TurnEnded: Scheduler._turn_ended,
    TurnCancelled: Scheduler._turn_cancelled,
    ProgramReleased: Scheduler._program_released,
    BackendJoined: Scheduler._backend_joined,
    BackendLeft: Scheduler._backend_left,
    CapacityChanged: Scheduler._capacity_changed,
    WeightSyncBegan: Scheduler._weight_sync_began,
    WeightSyncEnded: Scheduler._weight_sync_ended,
    TimerFired: Scheduler._timer_fired,
}
