"""Rates of the last minutes, from totals that only grow."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import NamedTuple

COLUMN_S = 5.0
"""Seconds of one column: some steps end in each, and a hundred columns are eight minutes."""
COLUMNS = 240
"""Twenty minutes: wider than any terminal shows."""


class _Look(NamedTuple):
    at: float
    steps: float
    prompt_tokens: float
    cached_tokens: float


class History:
    """Fed with every look; keeps the last of each column. Pure."""

    def __init__(self) -> None:
        self._looks: deque[_Look] = deque(maxlen=COLUMNS)

    def add(self, at: float, totals: Mapping[str, float]) -> None:
        """A look at Unix time ``at``. A gateway that was started anew, or a clock that was put back, begins it anew."""
        look = _Look(at, *(totals.get(name, 0.0) for name in _Look._fields[1:]))
        last = self._looks[-1] if self._looks else None
        if last is not None and (look.steps < last.steps or look.prompt_tokens < last.prompt_tokens or look.at < last.at):
            self._looks.clear()
        elif len(self._looks) > 1 and last is not None and look.at // COLUMN_S == last.at // COLUMN_S:
            self._looks.pop()
        self._looks.append(look)

    def now(self) -> tuple[float | None, float | None]:
        """Steps per minute and hit rate of the last ten to fifteen seconds."""
        looks = list(self._looks)[-3:]
        if len(looks) < 2 or looks[-1].at <= looks[0].at:
            return None, None
        return _steps_per_min(looks[0], looks[-1]), _hit_rate(looks[0], looks[-1])

    def steps_per_min(self, columns: int) -> list[float | None]:
        """Of each column, the newest last; None: nobody looked."""
        return self._columns(columns, _steps_per_min)

    def hit_rate(self, columns: int) -> list[float | None]:
        """Cached prompt tokens / prompt tokens of the steps that ended in each column; None: none did."""
        return self._columns(columns, _hit_rate)

    def _columns(self, columns: int, value: Callable[[_Look, _Look], float | None]) -> list[float | None]:
        found: list[float | None] = []
        looks = list(self._looks)[-columns - 1 :]
        for before, after in pairwise(looks):
            unseen = int(after.at // COLUMN_S - before.at // COLUMN_S) - 1
            found += [None] * min(max(unseen, 0), columns)
            found.append(value(before, after) if after.at > before.at else None)
        return found[-columns:]


def _steps_per_min(before: _Look, after: _Look) -> float:
    return 60 * (after.steps - before.steps) / (after.at - before.at)


def _hit_rate(before: _Look, after: _Look) -> float | None:
    prompt_tokens = after.prompt_tokens - before.prompt_tokens
    return (after.cached_tokens - before.cached_tokens) / prompt_tokens if prompt_tokens else None
