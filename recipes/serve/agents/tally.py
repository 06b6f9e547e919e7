"""What a run of all agents came to."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

from recipes.serve.agents.agent import Step


@dataclass
class Tally:
    """Adds steps up."""

    steps: list[Step] = field(default_factory=list)
    span_s: float = 0.0
    """From the first request to the last answer."""

    @property
    def done(self) -> list[Step]:
        """Steps that were answered."""
        return [step for step in self.steps if not step.failed]

    @property
    def failed(self) -> int:
        """Turns that were not answered; an agent ends with such a one."""
        return len(self.steps) - len(self.done)

    @property
    def steps_per_min(self) -> float:
        """Answered steps per minute."""
        return 60 * len(self.done) / self.span_s if self.span_s else 0.0

    @property
    def hit_rate(self) -> float:
        """Share of the prompt tokens that the engines found in their caches."""
        prompt_tokens = sum(step.prompt_tokens for step in self.done)
        return sum(step.cached_tokens for step in self.done) / prompt_tokens if prompt_tokens else 0.0

    @property
    def reprefilled_tokens(self) -> int:
        """Computed though they had been computed before; the last block of a prompt, which no cache keeps, included."""
        return sum(step.reprefilled_tokens for step in self.done)

    @property
    def waits_s(self) -> list[float]:
        """How long the gateway held turns back; empty without one."""
        return [step.waited_s for step in self.done if step.waited_s is not None]

    def turn_s(self, share: float) -> float:
        """So long or shorter takes this share of the turns, waits included."""
        took_s = sorted(step.took_s for step in self.done)
        return took_s[min(len(took_s) - 1, int(share * len(took_s)))] if took_s else 0.0

    @property
    def mean_wait_s(self) -> float:
        """Of all turns."""
        return statistics.fmean(self.waits_s) if self.waits_s else 0.0
