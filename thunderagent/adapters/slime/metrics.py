"""What a step of slime is told of its turns: sums over those that ended since the last time, training and evaluation apart."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass, field

from thunderagent.adapters.slime.programs import EVAL, TRAIN
from thunderagent.runtime import Runtime, StepProfile, Totals

MAX_WAITS = 1_000_000
"""Remembered for the median; a step of slime has tens of thousands of turns, and nobody may ever ask."""


@dataclass
class _Backend:
    prompt_tokens: int = 0
    cached_tokens: int = 0


@dataclass
class _Phase:
    totals: Totals = field(default_factory=Totals)
    waits_s: list[float] = field(default_factory=list)
    backends: dict[str, _Backend] = field(default_factory=dict)


class StepLog:
    """Takes every finished turn. On the loop of the scheduler."""

    def __init__(self) -> None:
        self._phases = {TRAIN: _Phase(), EVAL: _Phase()}
        self._seen: dict[str, dict[str, float]] = {}

    def add(self, step: StepProfile) -> None:
        """Turns of others are not ours to tell of."""
        phase = self._phases.get(step.program_id.partition("/")[0] + "/")
        if phase is None:
            return
        phase.totals.add(step)
        if len(phase.waits_s) < MAX_WAITS:
            phase.waits_s.append(step.pause_s)
        if step.outcome == "completed" and step.cached_tokens is not None:
            backend = phase.backends.setdefault(step.backend, _Backend())
            backend.prompt_tokens += step.prompt_tokens
            backend.cached_tokens += step.cached_tokens

    def take(self, phase: str, runtime: Runtime) -> dict[str, float]:
        """The numbers of a phase since the last time; the same keys every time."""
        taken, self._phases[phase] = self._phases[phase], _Phase()
        totals, waits_s = taken.totals, taken.waits_s
        engine_s = totals.queue_s + totals.prefill_s + totals.decode_s
        whole_s = totals.paused_s + engine_s + totals.tool_call_s
        hit_rates = [backend.cached_tokens / max(1, backend.prompt_tokens) for backend in taken.backends.values()]
        return {
            "turns": totals.steps,
            "failed_turns": totals.failed_steps,
            "prompt_tokens": totals.prompt_tokens,
            "completion_tokens": totals.completion_tokens,
            "reprefilled_tokens": totals.reprefilled_tokens,
            "kv_hit_rate": totals.kv_hit_rate,
            "worst_backend_kv_hit_rate": min(hit_rates, default=0.0),
            "wait_p50_s": statistics.median(waits_s) if waits_s else 0.0,
            "wait_max_s": max(waits_s, default=0.0),
            "paused_share": totals.paused_s / whole_s if whole_s else 0.0,
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
