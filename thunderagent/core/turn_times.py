"""How fast prefill is, told by whole turns alone: where nobody says when the first token came (answers that are not streamed)."""

from __future__ import annotations

from math import inf
from typing import Any

KEEP = 0.98
"""Weight of a turn once another one has ended: the latest fifty decide."""
MIN_TURNS = 8
"""Fewer do not tell prefill and decode apart."""
MIN_SPREAD = 1e-3
"""Of the determinant, relative: below it all turns are alike, and tell nothing of the parts."""


class TurnTimes:
    """Least squares of `seconds = a x computed prompt tokens + b x generated tokens` over the latest turns. O(1)."""

    __slots__ = ("_both", "_computed", "_computed_s", "_generated", "_generated_s", "_turns")

    def __init__(self) -> None:
        self._turns = 0
        self._computed = self._generated = self._both = self._computed_s = self._generated_s = 0.0

    def observe(self, computed_tokens: int, generated_tokens: int, took_s: float) -> None:
        """A turn is over: so many tokens of its prompt were not cached."""
        self._turns += 1
        self._computed = KEEP * self._computed + computed_tokens * computed_tokens
        self._generated = KEEP * self._generated + generated_tokens * generated_tokens
        self._both = KEEP * self._both + computed_tokens * generated_tokens
        self._computed_s = KEEP * self._computed_s + computed_tokens * took_s
        self._generated_s = KEEP * self._generated_s + generated_tokens * took_s

    def remember(self) -> list[float]:
        """All sums."""
        return [self._turns, self._computed, self._generated, self._both, self._computed_s, self._generated_s]

    def recover(self, told: Any) -> int:
        """Take over what was remembered, unless turns have ended here already. Returns 1 if it cannot be, else 0."""
        if told is None or self._turns:
            return 0
        if not (
            isinstance(told, list) and len(told) == 6 and all(isinstance(one, int | float) and 0 <= one < inf for one in told)
        ):
            return 1
        self._turns = int(told[0])
        self._computed, self._generated, self._both, self._computed_s, self._generated_s = told[1:]
        return 0

    @property
    def prefill_tokens_per_s(self) -> float | None:
        """None: not known."""
        if self._turns < MIN_TURNS:
            return None
        determinant = self._computed * self._generated - self._both * self._both
        if determinant <= MIN_SPREAD * self._computed * self._generated:
            return None
        weighted_s = self._computed_s * self._generated - self._generated_s * self._both
        return determinant / weighted_s if weighted_s > 0 else None
