"""What an engine did with a trace, and in what two engines differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one trace on one engine."""

    prompt_tokens: tuple[int, ...]
    """Per request, in the order of the trace (of concurrent agents: agent by agent)."""
    cached_tokens: tuple[int, ...]
    """Of these, found in the prefix cache."""
    preemptions: int
    wall_s: float = 0.0
    """From the first arrival to the last token; simulated seconds, if the engine is."""
    output_tokens: int = 0

    @property
    def hit_ratio(self) -> float:
        """Share of all prompt tokens that was cached."""
        return sum(self.cached_tokens) / sum(self.prompt_tokens)

    @property
    def output_tokens_per_s(self) -> float:
        """Throughput."""
        return self.output_tokens / self.wall_s


def differences(real: Outcome, ours: Outcome) -> list[int]:
    """Cached tokens, ours minus the real engine's, per request.

    Raises:
        ValueError: the two did not serve the same requests.
    """
    if real.prompt_tokens != ours.prompt_tokens:
        raise ValueError("the engines served different requests: their prompts' lengths differ")
    return [mine - theirs for mine, theirs in zip(ours.cached_tokens, real.cached_tokens, strict=True)]


def beyond(tolerance: int, differing: Sequence[int]) -> list[int]:
    """Numbers of the requests that differ by more than a tolerance."""
    return [index for index, difference in enumerate(differing) if abs(difference) > tolerance]
