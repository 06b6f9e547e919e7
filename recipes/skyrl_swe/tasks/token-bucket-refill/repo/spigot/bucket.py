"""The bucket of one client."""
from __future__ import annotations

from .rate import Rate


class TokenBucket:
    """Tokens that flow in at a rate, up to a capacity."""

    def __init__(self, rate: Rate, capacity: int, now: float):
        if capacity < 1:
            raise ValueError("a bucket holds at least one token")
        self.rate = rate
        self.capacity = capacity
        self._tokens = capacity
        self._updated = now

    def remaining(self, now: float) -> int:
        """Return how many tokens can be taken at a time."""
        self._refill(now)
        return self._tokens

    def take(self, count: int, now: float) -> bool:
        """Take tokens if there are enough of them, and say whether it worked."""
        if count < 1:
            raise ValueError("at least one token has to be taken")
        self._refill(now)
        if count > self._tokens:
            return False
        self._tokens -= count
        return True

    def wait_time(self, count: int, now: float) -> float | None:
        """Return the seconds until tokens can be taken, None if that is never."""
        if count > self.capacity:
            return None
        self._refill(now)
        missing = count - self._tokens
        if missing <= 0:
            return 0.0
        return missing * self.rate.interval - (now - self._updated)

    def is_full(self, now: float) -> bool:
        """Say whether the bucket is in the same state as a new one."""
        return self.remaining(now) == self.capacity

    def _refill(self, now: float) -> None:
        """Add the tokens that have arrived since the last time."""
        elapsed = now - self._updated
        if elapsed <= 0:
            return
        arrived = int(elapsed * self.rate.per_second)
        self._tokens = min(self.capacity, self._tokens + arrived)
        self._updated = now
