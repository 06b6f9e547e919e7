"""What a step of slime is told of its turns: sums over those that ended since the last time, training and evaluation apart."""

from __future__ import annotations

from collections import Counter

from thunderagent.adapters.slime.programs import EVAL, TRAIN
from thunderagent.runtime import Runtime, StepProfile, Tally


class StepLog:
    """Takes every finished turn. On the loop of the scheduler."""

    def __init__(self) -> None:
        self._phases = {TRAIN: Tally(), EVAL: Tally()}
        self._seen: dict[str, dict[str, float]] = {}

    def add(self, step: StepProfile) -> None:
        """Turns of others are not ours to tell of."""
        phase = self._phases.get(step.program_id.partition("/")[0] + "/")
        if phase is not None:
            phase.add(step)

    def take(self, phase: str, runtime: Runtime) -> dict[str, float]:
        """The numbers of a phase since the last time; the same keys every time."""
        taken, self._phases[phase] = self._phases[phase], Tally()
        return {
            **taken.metrics(),
            "backends": len(runtime.backends),
            "degraded": float(runtime.degraded),
            **self._since_last(phase, runtime),
        }

    def _since_last(self, phase: str, runtime: Runtime) -> dict[str, float]:
        counters = runtime.scheduler.counters
        now = {"pauses": float(counters.pauses), "forced": float(counters.forced), "scheduler_cpu_s": runtime.cpu_s}
        before = self._seen.get(phase, {})
        self._seen[phase] = now
        return {name: value - before.get(name, 0.0) for name, value in now.items()}


class StepNotes:
    """What only those who run the samples know. From any thread."""

    NAMES = ("aborted_samples", "failed_samples")

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def count(self, phase: str, name: str) -> None:
        """One more."""
        self._counts[phase, name] += 1

    def take(self, phase: str) -> dict[str, float]:
        """Since the last time."""
        return {name: self._counts.pop((phase, name), 0) for name in self.NAMES}
