"""What a simulation gave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

MIN_PRESENCE = 0.1
"""Share of the window that a program must have been there for its progress to count: in less there are too few turns."""


@dataclass(frozen=True, slots=True)
class FinishedTurn:
    """One request that an engine finished. Times in simulated seconds."""

    program: int
    """Number of its program."""
    beside: bool
    """Whether it was a parallel call."""
    engine: str
    arrived_s: float
    """At the scheduler."""
    admitted_s: float
    """When the scheduler sent it to the engine."""
    started_s: float
    """When the engine took it out of its queue."""
    ended_s: float
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    prefill_s: float
    """From when the engine took it to its first token."""
    tool: str
    """That its answer calls."""

    @property
    def wait_s(self) -> float:
        """Held back by the scheduler, then queued by the engine."""
        return self.started_s - self.arrived_s


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """One request that is not over at the end of the window."""

    program: int
    """Number of its program."""
    beside: bool
    arrived_s: float
    admitted_s: float | None
    """None: the scheduler holds it back still."""


@dataclass(frozen=True, slots=True)
class ProgramSpan:
    """When a program was there."""

    number: int
    name: str
    group: str
    began_s: float
    ended_s: float | None
    """None: it goes on."""
    refused: bool = False
    """Whether it ended because nobody takes a turn of it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of the measured window, unless said otherwise."""

    since_s: float
    until_s: float
    engines: int
    turns: Sequence[FinishedTurn]
    open_turns: Sequence[OpenTurn]
    reprefilled_tokens: int
    """Computed though they had been computed before."""
    preemptions: int
    programs: Sequence[ProgramSpan]
    """All since the start, in order of birth."""

    @property
    def measured_s(self) -> float:
        """Length of the window."""
        return self.until_s - self.since_s

    @property
    def turns_per_hour(self) -> float:
        """Throughput."""
        return 3600.0 * len(self.turns) / self.measured_s if self.measured_s else 0.0

    @property
    def hit_rate(self) -> float:
        """Share of prompt tokens that was found in the prefix cache."""
        return sum(turn.cached_tokens for turn in self.turns) / max(1, sum(turn.prompt_tokens for turn in self.turns))

    @property
    def programs_done(self) -> int:
        """That came to the end of their script."""
        return sum(not program.refused for program in self._ended)

    @property
    def programs_refused(self) -> int:
        """That ended because nobody takes a turn of them."""
        return sum(program.refused for program in self._ended)

    @property
    def _ended(self) -> list[ProgramSpan]:
        return [program for program in self.programs if program.ended_s is not None and program.ended_s > self.since_s]

    @property
    def lasting_waits_s(self) -> list[float]:
        """How long the scheduler has held turns back that it still does: no policy is to look good for starving somebody."""
        return [self.until_s - turn.arrived_s for turn in self.open_turns if turn.admitted_s is None]

    @property
    def imbalance(self) -> float:
        """Turns of the busiest engine over the mean."""
        by_engine = Counter(turn.engine for turn in self.turns)
        return max(by_engine.values()) * self.engines / len(self.turns) if self.turns else 1.0

    def wait_s(self, share: float) -> float:
        """The wait that this share of the turns does not exceed (1: the longest)."""
        waits = sorted([*(turn.wait_s for turn in self.turns), *self.lasting_waits_s])
        return waits[min(len(waits) - 1, int(share * len(waits)))] if waits else 0.0

    def progress_per_min(self) -> list[float]:
        """Turns per minute of each program while it was there, in ascending order."""
        turns = Counter(turn.program for turn in self.turns)
        rates = []
        for program in self.programs:
            until_s = self.until_s if program.ended_s is None else program.ended_s
            present_s = until_s - max(program.began_s, self.since_s)
            if present_s > 0 and present_s >= MIN_PRESENCE * self.measured_s:
                rates.append(60.0 * turns[program.number] / present_s)
        return sorted(rates)

    def fairness(self) -> float:
        """Jain's index of the programs' progress: 1 if all go equally fast, 1/n if one of n goes alone."""
        rates = self.progress_per_min()
        squares = sum(rate * rate for rate in rates)
        return sum(rates) ** 2 / (len(rates) * squares) if squares else 1.0

    def group_ends_s(self) -> list[float]:
        """When the last program of each group was over, in order; since the start. Groups that go on are left out."""
        ends: dict[str, float | None] = {}
        for program in self.programs:
            if program.group:
                before_s = ends.get(program.group, 0.0)
                over = program.ended_s is not None and before_s is not None
                ends[program.group] = max(program.ended_s or 0.0, before_s or 0.0) if over else None
        return sorted(end_s for end_s in ends.values() if end_s is not None)
