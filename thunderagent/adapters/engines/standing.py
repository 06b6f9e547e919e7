"""What is known of one engine from looking at it: up or down, its KV capacity, what is wrong. Pure: time is an argument.

- One answer is enough for an engine that was never up; two failures in a row lose it, and then it takes two answers in a row to
  come back.
- What was once told of its capacity holds until something else is told: a page that says nothing changes nothing. After a long
  silence, a larger capacity has to be told twice in a row, as the first page of an engine in trouble may be anything.
"""

from __future__ import annotations

from dataclasses import dataclass

FAILURES_TO_LOSE = 2
"""Looks that must fail in a row before an engine counts as dead: one may fall into a pause of the machine."""
ANSWERS_TO_RETURN = 2
"""Answers in a row before a lost engine counts as up: one that restarts in a loop answers now and then."""
STALE_S = 30.0
"""Capacity that was not told for longer grows only by what is told twice."""


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """One engine as management sees it."""

    url: str
    up: bool
    for_s: float
    """How long it has been up, or down."""
    capacity_tokens: int | None
    """Last known; None: never told."""
    problem: str | None
    """Of the last look, in words; None: all is well."""


class Standing:
    """Of one engine. Written by looks."""

    def __init__(self, url: str, now: float, fixed_capacity_tokens: int | None = None) -> None:
        """A fixed capacity wins over what the engine says."""
        self.url = url
        self.up = False
        self.capacity_tokens = fixed_capacity_tokens
        self.problem: str | None = "not looked at yet"
        self._fixed = fixed_capacity_tokens is not None
        self._since_s = self._told_s = now
        self._was_up = False
        self._failures = self._answers = 0
        self._doubtful: int | None = None

    def answered(self, told_tokens: int | None, problem: str | None, now: float) -> bool:
        """A look was answered. Tells whether the engine is up since now, or its capacity is another one."""
        self._failures, self._answers = 0, self._answers + 1
        self.problem = problem
        changed = self._learn(told_tokens, now)
        if self.up:
            return changed
        if self._was_up and self._answers < ANSWERS_TO_RETURN:
            return False
        self.up = self._was_up = True
        self._since_s = now
        return True

    def failed(self, problem: str, now: float) -> bool:
        """A look was not answered. Tells whether the engine is lost with it."""
        self._failures, self._answers = self._failures + 1, 0
        self.problem = problem
        if not self.up or self._failures < FAILURES_TO_LOSE:
            return False
        self.up = False
        self._since_s = now
        return True

    def status(self, now: float) -> EngineStatus:
        """For management."""
        return EngineStatus(self.url, self.up, now - self._since_s, self.capacity_tokens, self.problem)

    def _learn(self, told_tokens: int | None, now: float) -> bool:
        if told_tokens is None or self._fixed:
            self._doubtful = None
            return False
        known, stale = self.capacity_tokens, now - self._told_s > STALE_S
        if known is not None and told_tokens > known and stale and told_tokens != self._doubtful:
            self._doubtful = told_tokens
            return False
        self._doubtful, self._told_s, self.capacity_tokens = None, now, told_tokens
        return told_tokens != known
