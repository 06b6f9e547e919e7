"""Step profiles for W&B's tables: a bounded choice of them, since a table is uploaded whole."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from dataclasses import fields
from operator import attrgetter

from thunderagent.adapters.tracking.axes import TABLES
from thunderagent.runtime import StepProfile

ROWS = 200
"""Of each table, at most: what somebody scrolls through, and some 40 kB."""
COLUMNS = tuple(field.name for field in fields(StepProfile))

_row = attrgetter(*COLUMNS)

Rows = list[tuple[object, ...]]


class StepTables:
    """Fed with every step as it ends; O(log rows) each."""

    def __init__(self, rows: int = ROWS) -> None:
        self._rows = rows
        self._latest: deque[StepProfile] = deque(maxlen=rows)
        self._longest: list[tuple[float, int, StepProfile]] = []
        """A heap: the shortest wait of those that are kept comes first."""
        self._numbers = itertools.count()

    def took_step(self, step: StepProfile) -> None:
        """One finished step."""
        self._latest.append(step)
        if step.pause_s <= 0:
            return
        if len(self._longest) < self._rows:
            heapq.heappush(self._longest, (step.pause_s, next(self._numbers), step))
        elif step.pause_s > self._longest[0][0]:
            heapq.heapreplace(self._longest, (step.pause_s, next(self._numbers), step))

    def take(self) -> dict[str, Rows]:
        """By name, the rows since the last time, newest and longest first; a table without any is not there."""
        latest, self._latest = list(self._latest), deque(maxlen=self._rows)
        longest, self._longest = sorted(self._longest, reverse=True, key=lambda entry: entry[0]), []
        chosen = [list(reversed(latest)), [step for _, _, step in longest]]
        return {name: [_row(step) for step in steps] for name, steps in zip(TABLES, chosen, strict=True) if steps}
