"""Drives a scheduler in tests: time moves by hand, effects are collected by kind, invariants hold after every event."""

from __future__ import annotations

import itertools
from typing import Any, TypeVar

from thunderagent.core import (
    Admit,
    BackendJoined,
    Effect,
    Event,
    Limits,
    Park,
    Policy,
    Program,
    ProgramReleased,
    Refuse,
    Scheduler,
    TimerFired,
    TurnArrived,
    TurnEnded,
    Usage,
    WakeAt,
)
from thunderagent.core.ledger import Backend

T = TypeVar("T")


class Driver:
    """One scheduler; every call returns the effects of its event."""

    def __init__(self, policy: Policy, limits: Limits | None = None, **capacities: int | None) -> None:
        self.scheduler = Scheduler(policy, limits)
        self.now = 0.0
        self.effects: list[Effect] = []
        self.alarm_s: float | None = None
        self._turn_ids = itertools.count(1)
        for backend_id, capacity in capacities.items():
            self.send(BackendJoined(backend_id, capacity))

    def send(self, event: Event) -> tuple[Effect, ...]:
        effects = self.scheduler.handle(event, self.now)
        self.effects += effects
        for effect in effects:
            if isinstance(effect, WakeAt):
                self.alarm_s = effect.at_s
        self.scheduler.check_invariants()
        return effects

    def wait(self, seconds: float) -> None:
        """Time passes, and the timer comes whenever it is due."""
        until = self.now + seconds
        while self.alarm_s is not None and self.alarm_s <= until:
            self.now, self.alarm_s = max(self.now, self.alarm_s), None
            self.send(TimerFired())
        self.now = until

    def arrive(self, program_id: str, tokens: int | None, group: str = "", **more: Any) -> int:
        turn_id = next(self._turn_ids)
        self.send(TurnArrived(program_id, turn_id, tokens, group, **more))
        return turn_id

    def end(
        self, turn_id: int, prompt: int, completion: int = 0, cached: int | None = None, tool: str = ""
    ) -> tuple[Effect, ...]:
        return self.send(TurnEnded(turn_id, Usage(prompt, completion, cached), tool))

    def turn(self, program_id: str, tokens: int, group: str = "", cached: int | None = None, tool: str = "") -> int:
        """One whole turn that leaves the program with ``tokens`` of context."""
        turn_id = self.arrive(program_id, tokens, group)
        self.end(turn_id, tokens, 0, cached, tool)
        return turn_id

    def release(self, program_id: str) -> tuple[Effect, ...]:
        return self.send(ProgramReleased(program_id))

    def admitted_to(self, turn_id: int) -> str | None:
        return next((e.backend_id for e in self.effects if isinstance(e, Admit) and e.turn_id == turn_id), None)

    def parked(self, turn_id: int) -> bool:
        return any(isinstance(e, Park) and e.turn_id == turn_id for e in self.effects) and self.admitted_to(turn_id) is None

    def program(self, program_id: str) -> Program:
        return self.scheduler.programs[program_id]

    def backend(self, backend_id: str = "a") -> Backend:
        return self.scheduler.ledger.backends[backend_id]

    def kinds(self, kind: type[T]) -> list[T]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def refusal(self, turn_id: int) -> Refuse | None:
        return next((e for e in self.effects if isinstance(e, Refuse) and e.turn_id == turn_id), None)
