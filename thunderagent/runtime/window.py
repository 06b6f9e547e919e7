"""What the steps since the last look were like: for trackers whose axis is the training step."""

from __future__ import annotations

from dataclasses import dataclass, field

from thunderagent.runtime.profile import StepProfile
from thunderagent.runtime.totals import Totals


@dataclass(slots=True)
class Tally:
    """What some steps were like; ``add`` is O(1)."""

    totals: Totals = field(default_factory=Totals)
    backends: dict[str, Totals] = field(default_factory=dict)
    """Of the steps whose engines tell their hits."""
    paused_turns: int = 0
    longest_pause_s: float = 0.0

    def add(self, step: StepProfile) -> None:
        """One finished step."""
        self.totals.add(step)
        if step.cached_tokens is not None:
            self.backends.setdefault(step.backend, Totals()).add(step)
        self.paused_turns += step.pause_s > 0
        self.longest_pause_s = max(self.longest_pause_s, step.pause_s)

    def metrics(self) -> dict[str, float]:
        """See ``StepWindow.take``; all zero without a step."""
        totals = self.totals
        turns = totals.steps + totals.failed_steps
        shared_by = max(1, turns)
        engine_s = totals.queue_s + totals.prefill_s + totals.decode_s
        program_s = totals.paused_s + engine_s + totals.tool_call_s
        return {
            "turns": turns,
            "failed_turns": totals.failed_steps,
            "prompt_tokens": totals.prompt_tokens,
            "completion_tokens": totals.completion_tokens,
            "reprefilled_tokens": totals.reprefilled_tokens,
            "kv_hit_rate": totals.kv_hit_rate,
            "worst_backend_kv_hit_rate": min((b.kv_hit_rate for b in self.backends.values() if b.steps), default=0.0),
            "paused_share": totals.paused_s / program_s if program_s else 0.0,
            "paused_turns_share": self.paused_turns / shared_by,
            "pause_mean_s": totals.paused_s / shared_by,
            "pause_max_s": self.longest_pause_s,
            "engine_mean_s": engine_s / shared_by,
            "tool_call_mean_s": totals.tool_call_s / shared_by,
        }


class StepWindow:
    """Fed with every step as it ends; ``take`` empties it. O(1) per step, and keeps none."""

    def __init__(self) -> None:
        self._phases: dict[str, Tally] = {}

    def add(self, step: StepProfile) -> None:
        """One finished step."""
        phase = self._phases.get(step.phase)
        if phase is None:
            phase = self._phases[step.phase] = Tally()
        phase.add(step)

    def take(self) -> dict[str, dict[str, float]]:
        """By phase, the numbers of the steps that ended since the last call; a phase without any is not there.

        ``paused_share`` is of the programs' time (held back, in the engine, in tool calls), ``paused_turns_share`` of the turns;
        ``worst_backend_kv_hit_rate`` is that of the backend with the lowest; ``_s`` are seconds per turn.
        """
        phases, self._phases = self._phases, {}
        return {name: phase.metrics() for name, phase in phases.items()}
