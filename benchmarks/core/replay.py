"""Recording once, replaying for the clock: only ``Scheduler.handle`` is timed, not the simulation that made the events.

CPU time of the thread is counted (``time.thread_time``), so neighbours on the machine cost less noise. The garbage collector runs
while the clock does, with Python's own thresholds, over all that the scheduler has made; only the recording, which no real
host has in memory, is frozen out of its sight. What it took is part of the figure and reported beside it.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.core.closed_loop import ClosedLoop
from thunderagent.core import Counters, Effect, Event, Policy, Scheduler
from thunderagent.core.program import Status

WARM_UP_PER_PROGRAM = 6
"""Events after which the share of programs in each state has settled (within a few percent)."""
MIN_WARM_UP = 20_000


@dataclass(slots=True)
class Recording:
    """A stream of events and what the scheduler that it was recorded with made of it."""

    programs: int
    events: list[tuple[Event, float]]
    warm_up: int
    """So many of the events come before the part that is timed."""
    effect_count: int
    """Effects of all events."""
    counters: Counters
    turns: int
    """Turns that ended in the timed part."""
    seconds: float
    """Simulated time of the timed part."""
    scheduler: Scheduler
    """As it was at the end."""
    effects: list[tuple[Effect, ...]] = field(default_factory=list)
    """Of every event, if they were kept."""

    @property
    def timed(self) -> int:
        """Events in the timed part."""
        return len(self.events) - self.warm_up

    @property
    def waiting_share(self) -> float:
        """Programs in line at the end."""
        programs = self.scheduler.programs.values()
        return sum(program.status is Status.PARKED for program in programs) / max(1, len(programs))


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU time of the timed part."""

    seconds: float
    collecting_s: float
    """Of these, in the garbage collector."""


def record(policy: Policy, programs: int, backends: int, timed: int, *, seed: int = 0, keep_effects: bool = False) -> Recording:
    """Let agents run against a scheduler; ``timed`` events follow the warm-up."""
    gc.collect()
    gc.disable()  # the recording grows by millions of objects, none of them garbage
    try:
        scheduler = Scheduler(policy)
        loop = ClosedLoop(scheduler, programs, backends, seed, keep_effects)
        warm_up = max(MIN_WARM_UP, WARM_UP_PER_PROGRAM * programs)
        loop.run(warm_up)
        turns, began_s = loop.turns, loop.now
        loop.run(warm_up + timed)
    finally:
        gc.enable()
    return Recording(
        programs=programs,
        events=loop.events,
        warm_up=warm_up,
        effect_count=loop.effect_count,
        counters=scheduler.counters,
        turns=loop.turns - turns,
        seconds=loop.now - began_s,
        scheduler=scheduler,
        effects=loop.effects,
    )


def replay(recording: Recording, policy: Policy) -> Cost:
    """Give all events to a new scheduler, the last part against the clock.

    Raises:
        AssertionError: it did something else than the recorded one.
    """
    gc.collect()
    gc.freeze()
    gc.disable()
    collector = _CollectorClock()
    try:
        scheduler = Scheduler(policy)
        handle, effects = scheduler.handle, 0
        for event, now in recording.events[: recording.warm_up]:
            effects += len(handle(event, now))
        timed = recording.events[recording.warm_up :]
        gc.collect()
        gc.callbacks.append(collector)
        gc.enable()
        start_s = time.thread_time()
        for event, now in timed:
            effects += len(handle(event, now))
        seconds = time.thread_time() - start_s
    finally:
        gc.enable()
        gc.unfreeze()
        if collector in gc.callbacks:
            gc.callbacks.remove(collector)
    if (effects, scheduler.counters) != (recording.effect_count, recording.counters):
        raise AssertionError(f"the replay differs: {effects} effects and {scheduler.counters}, recorded {recording.effect_count}")
    return Cost(seconds, collector.seconds)


def median_cost(recording: Recording, policy: Callable[[], Policy], repeats: int) -> Cost:
    """The middle one of several replays."""
    costs = [replay(recording, policy()) for _ in range(repeats)]
    return Cost(statistics.median(c.seconds for c in costs), statistics.median(c.collecting_s for c in costs))


class _CollectorClock:
    """CPU time of the garbage collector."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._start_s = 0.0

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._start_s = time.thread_time()
        else:
            self.seconds += time.thread_time() - self._start_s
