"""A sum whose terms all halve every half-life, kept in O(1) per change."""

from __future__ import annotations

import math


class DecayingSum:
    """Each term was added at a time of its own and counts ``value * 2 ** -(age / half_life_s)``."""

    __slots__ = ("_at_s", "_half_life_s", "_sum", "_terms")

    def __init__(self, half_life_s: float) -> None:
        self._half_life_s = half_life_s
        self._sum = 0.0
        self._at_s = 0.0
        self._terms = 0

    def at(self, now: float) -> float:
        """The sum now; times must not run backwards."""
        if self._terms == 0:
            return 0.0
        return self._sum * math.exp2((self._at_s - now) / self._half_life_s)

    def add(self, value: float, now: float) -> None:
        """A new term, counted in full."""
        self._sum, self._at_s = self.at(now) + value, now
        self._terms += 1

    def remove(self, value: float, added_s: float, now: float) -> None:
        """Take out a term that was added at ``added_s``."""
        left = self.at(now) - value * math.exp2((added_s - now) / self._half_life_s)
        self._terms -= 1
        self._sum, self._at_s = max(0.0, left), now  # rounding must not leave a negative rest
