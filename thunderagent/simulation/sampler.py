"""Looks at a simulation at equal intervals."""

from __future__ import annotations

from dataclasses import dataclass, field

from thunderagent.simulation.driver import Driver


@dataclass(frozen=True, slots=True)
class Samples:
    """The state of one engine at equal intervals; all lists have the same length. Tokens as the scheduler counts them."""

    engine: str
    capacity_tokens: int
    time_s: list[float]
    """Simulated, from the start of the warm-up."""
    reasoning_tokens: list[int] = field(default_factory=list)
    """KV of programs with a turn in the engine."""
    held_tokens: list[int] = field(default_factory=list)
    """KV held for programs in a tool call."""
    shared_tokens: list[int] = field(default_factory=list)
    """KV of shared starts, counted once."""
    running: list[int] = field(default_factory=list)
    """Requests in the engine's batch."""
    queued: list[int] = field(default_factory=list)
    """Requests in the engine's own queue."""


class Sampler:
    """Takes its samples while the driver runs, from now on."""

    def __init__(self, driver: Driver, every_s: float) -> None:
        self.time_s: list[float] = []
        self.paused_programs: list[int] = []
        """In line at the scheduler."""
        self.engines = {
            name: Samples(name, station.engine.spec.usable_tokens, self.time_s) for name, station in driver.stations.items()
        }
        self._driver, self._every_s = driver, every_s
        self._look()

    def _look(self) -> None:
        agenda, scheduler = self._driver.agenda, self._driver.scheduler
        self.time_s.append(agenda.now_s)
        self.paused_programs.append(scheduler.waiting_turns)
        for name, samples in self.engines.items():
            backend, engine = scheduler.ledger.backends.get(name), self._driver.stations[name].engine
            samples.reasoning_tokens.append(backend.private_reasoning_tokens if backend else 0)
            samples.held_tokens.append(backend.private_acting_tokens if backend else 0)
            samples.shared_tokens.append(backend.shared_tokens if backend else 0)
            samples.running.append(engine.running)
            samples.queued.append(engine.waiting)
        agenda.at(agenda.now_s + self._every_s, self._look)
