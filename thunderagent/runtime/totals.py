"""Running totals over all steps: what a summary, a tracker and a progress display need, without keeping the steps."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import inf
from typing import Any

from thunderagent.runtime.profile import StepProfile


@dataclass(slots=True)
class Totals:
    """Sums over steps; ``add`` is O(1)."""

    steps: int = 0
    failed_steps: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    reprefilled_tokens: int = 0
    paused_s: float = 0.0
    queue_s: float = 0.0
    prefill_s: float = 0.0
    decode_s: float = 0.0
    tool_call_s: float = 0.0
    first_arrival_at: float | None = None
    last_completion_at: float | None = None

    def add(self, step: StepProfile) -> None:
        """Count one finished step. A failed one counts its times but no tokens: nobody knows how many were computed."""
        self.paused_s += step.pause_s
        self.tool_call_s += step.tool_call_s
        if self.first_arrival_at is None or step.arrived_at < self.first_arrival_at:
            self.first_arrival_at = step.arrived_at
        if self.last_completion_at is None or step.completed_at > self.last_completion_at:
            self.last_completion_at = step.completed_at
        if step.outcome != "completed":
            self.failed_steps += 1
            return
        self.steps += 1
        self.prompt_tokens += step.prompt_tokens
        self.cached_tokens += step.cached_tokens or 0
        self.completion_tokens += step.completion_tokens
        self.reprefilled_tokens += step.reprefilled_tokens or 0
        self.queue_s += step.queue_s or 0.0
        self.prefill_s += step.prefill_s or 0.0
        self.decode_s += step.decode_s or 0.0

    def recover(self, told: Any) -> None:
        """Add the sums of an earlier process, as ``asdict`` gave them; what cannot be is left out."""
        for name, value in told.items() if isinstance(told, dict) else ():
            if name in asdict(self) and isinstance(value, int | float) and 0 <= value < inf:
                own = getattr(self, name)
                earlier = {"first_arrival_at": min, "last_completion_at": max}.get(name)
                setattr(self, name, value if own is None else own + value if earlier is None else earlier(own, value))

    @property
    def kv_hit_rate(self) -> float:
        """Cached prompt tokens / prompt tokens over all completed steps; 0 before the first."""
        return self.cached_tokens / self.prompt_tokens if self.prompt_tokens else 0.0

    @property
    def span_s(self) -> float:
        """From the first arrival to the last completion."""
        if self.first_arrival_at is None or self.last_completion_at is None:
            return 0.0
        return self.last_completion_at - self.first_arrival_at

    @property
    def steps_per_min(self) -> float:
        """Completed steps per minute of ``span_s``; 0 before the second moment."""
        return 60 * self.steps / self.span_s if self.span_s > 0 else 0.0
