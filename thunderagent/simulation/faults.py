"""What goes wrong in a simulation: engines that die, metrics that are missing or wrong."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

from thunderagent.core import Usage


@dataclass(frozen=True, slots=True)
class Death:
    """An engine dies with all that it holds, and is back, empty, after a while."""

    engine: int
    """Index."""
    at_s: float
    down_s: float

    def __post_init__(self) -> None:
        if self.engine < 0 or not 0 <= self.at_s < math.inf or not 0 < self.down_s < math.inf:
            raise ValueError(f"{self}: engine and at_s must be at least 0, down_s positive, all finite")


@dataclass(frozen=True, slots=True)
class Faults:
    """All of them; the default is none."""

    deaths: tuple[Death, ...] = ()
    silent_from_s: float = math.inf
    """From here on engines report no usage, ..."""
    silent_until_s: float = math.inf
    """... until here."""
    capacity_factor: float = 1.0
    """The scheduler is told so many times the capacity."""
    token_factor: float = 1.0
    """The scheduler is told so many times the tokens: of prompts and of usage."""

    def __post_init__(self) -> None:
        for field in ("capacity_factor", "token_factor"):
            value = getattr(self, field)
            if not 0 < value < math.inf:
                raise ValueError(f"{field} is {value}, it must be positive and finite")
        if not 0 <= self.silent_from_s <= self.silent_until_s:
            raise ValueError(f"engines are silent from {self.silent_from_s} to {self.silent_until_s} s, it must be in this order")
        for before, after in itertools.pairwise(sorted(self.deaths, key=lambda death: (death.engine, death.at_s))):
            if before.engine == after.engine and after.at_s <= before.at_s + before.down_s:
                raise ValueError(f"engine {after.engine} cannot die at {after.at_s:g} s, it is down then")

    def capacity_tokens(self, tokens: int) -> int:
        """As the scheduler is told."""
        return max(1, round(tokens * self.capacity_factor))

    def tokens(self, tokens: int) -> int:
        """As the scheduler is told."""
        return round(tokens * self.token_factor)

    def usage(self, usage: Usage, now_s: float) -> Usage | None:
        """As the scheduler is told; None: not at all."""
        if self.silent_from_s <= now_s < self.silent_until_s:
            return None
        if self.token_factor == 1.0:
            return usage
        cached_tokens = None if usage.cached_tokens is None else self.tokens(usage.cached_tokens)
        return replace(
            usage,
            prompt_tokens=self.tokens(usage.prompt_tokens),
            completion_tokens=self.tokens(usage.completion_tokens),
            cached_tokens=cached_tokens,
        )


NO_FAULTS = Faults()
