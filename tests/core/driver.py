"""Drives a scheduler in tests: time moves by hand, effects are collected by kind, invariants hold after every event."""

from __future__ import annotations

import itertools

from thunderagent.core import (
    Admit,
    BackendJoined,
    Effect,
    Event,
    Park,
    Policy,
    ProgramReleased,
    Refuse,
    Scheduler,
    TurnArrived,
    TurnEnded,
    Usage,
)


class Driver:
    """One scheduler; every call returns the effects of its event."""

    def __init__(self, policy: Policy, **capacities: int | None) -> None:
        self.scheduler = Scheduler(policy)
        self.now = 0.0
        self.effects: list[Effect] = []
        self._turn_ids = itertools.count(1)
        for backend_id, capacity in capacities.items():
            self.send(BackendJoined(backend_id, capacity))

    def send(self, event: Event) -> tuple[Effect, ...]:
        effects = self.scheduler.handle(event, self.now)
        self.effects += effects
        self.scheduler.check_invariants()
        return effects

    def arrive(self, program_id: str, tokens: int, group: str = "") -> int:
        turn_id = next(self._turn_ids)
        self.send(TurnArrived(program_id, turn_id, tokens, group))
        return turn_id

    def end(self, turn_id: int, prompt: int, completion: int = 0) -> tuple[Effect, ...]:
        return self.send(TurnEnded(turn_id, Usage(prompt, completion)))

    def turn(self, program_id: str, tokens: int, group: str = "") -> int:
        """One whole turn that leaves the program with ``tokens`` of context."""
        turn_id = self.arrive(program_id, tokens, group)
        self.end(turn_id, tokens)
        return turn_id

    def release(self, program_id: str) -> tuple[Effect, ...]:
        return self.send(ProgramReleased(program_id))

    def admitted_to(self, turn_id: int) -> str | None:
        return next((e.backend_id for e in self.effects if isinstance(e, Admit) and e.turn_id == turn_id), None)

    def parked(self, turn_id: int) -> bool:
        return any(isinstance(e, Park) and e.turn_id == turn_id for e in self.effects) and self.admitted_to(turn_id) is None

    def refusal(self, turn_id: int) -> Refuse | None:
        return next((e for e in self.effects if isinstance(e, Refuse) and e.turn_id == turn_id), None)
