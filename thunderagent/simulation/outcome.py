"""What a simulation gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FinishedTurn:
    """One turn that an engine finished."""

    wait_s: float
    """From its arrival to its start in the engine: held back by the scheduler, then queued by the engine."""
    prompt_tokens: int
    cached_tokens: int


@dataclass(frozen=True, slots=True)
class FinishedProgram:
    """One program that is over."""

    at_s: float
    began_s: float
    group: str
    turns: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of the measured window, unless said otherwise."""

    measured_s: float
    turns: Sequence[FinishedTurn]
    lasting_waits_s: Sequence[float]
    """Turns that the scheduler holds back still, for so long: a policy must not look good for starving somebody."""
    reprefilled_tokens: int
    """Computed though they had been computed before."""
    preemptions: int
    programs: Sequence[FinishedProgram]
    """All since the start."""
    refused_programs: int
    """All since the start."""

    @property
    def turns_per_hour(self) -> float:
        """Throughput."""
        return 3600.0 * len(self.turns) / self.measured_s if self.measured_s else 0.0

    @property
    def hit_rate(self) -> float:
        """Share of prompt tokens that was found in the prefix cache."""
        return sum(turn.cached_tokens for turn in self.turns) / max(1, sum(turn.prompt_tokens for turn in self.turns))

    def wait_s(self, share: float) -> float:
        """The wait that this share of the turns does not exceed (1: the longest)."""
        waits = sorted([*(turn.wait_s for turn in self.turns), *self.lasting_waits_s])
        return waits[min(len(waits) - 1, int(share * len(waits)))] if waits else 0.0

    def group_ends_s(self) -> list[float]:
        """When the last program of each group was over, in order; since the start."""
        ends: dict[str, float] = {}
        for program in self.programs:
            if program.group:
                ends[program.group] = max(program.at_s, ends.get(program.group, 0.0))
        return sorted(ends.values())
