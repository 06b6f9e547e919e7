"""What is believed of the size of one KV cache. Pure: time is an argument."""

from __future__ import annotations

STALE_S = 30.0
"""Capacity that was not told for longer grows only by what is told twice."""


class ToldCapacity:
    """What was once told holds until something else is told.

    After a long silence, a larger one has to be told twice in a row: the first page of an engine in trouble may be anything.
    """

    def __init__(self, now: float) -> None:
        self.tokens: int | None = None
        """None: never told."""
        self._told_s = now
        self._doubtful: int | None = None

    def learn(self, told_tokens: int | None, now: float) -> bool:
        """A look told this, or nothing. Tells whether something else is believed since."""
        if told_tokens is None:
            self._doubtful = None
            return False
        known, stale = self.tokens, now - self._told_s > STALE_S
        if known is not None and told_tokens > known and stale and told_tokens != self._doubtful:
            self._doubtful = told_tokens
            return False
        self._doubtful, self._told_s, self.tokens = None, now, told_tokens
        return told_tokens != known
