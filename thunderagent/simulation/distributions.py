"""Random quantities of agent runs: lognormal, as measured ones are, given by what reports print of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

P99_SIGMAS = 2.3263
"""The 99th percentile of a normal distribution, in standard deviations."""


@dataclass(frozen=True, slots=True)
class LogNormal:
    """By median and 99th percentile; equal ones make a constant."""

    median: float
    p99: float

    def __post_init__(self) -> None:
        if not 0 < self.median <= self.p99 < math.inf:
            raise ValueError(f"median and p99 are {self.median} and {self.p99}, they must be positive, finite and in this order")

    @property
    def sigma(self) -> float:
        """Standard deviation of the logarithm."""
        return math.log(self.p99 / self.median) / P99_SIGMAS

    @property
    def mean(self) -> float:
        """Expected value."""
        return self.median * math.exp(self.sigma**2 / 2)

    def at(self, normal: float) -> float:
        """The value so many standard deviations from the median."""
        return self.median * math.exp(self.sigma * normal)

    def draw(self, random: Random) -> float:
        """One value."""
        return self.at(random.gauss(0.0, 1.0))

    def count(self, random: Random) -> int:
        """One value as a whole number, at least 1."""
        return max(1, round(self.draw(random)))
