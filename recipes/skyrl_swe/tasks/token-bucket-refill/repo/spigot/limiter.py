"""The limiter, which keeps a bucket for each key."""
from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass

from .bucket import TokenBucket
from .clock import Clock, MonotonicClock
from .rate import Rate


@dataclass(frozen=True)
class Decision:
    """The answer to a request."""

    allowed: bool
    limit: int
    remaining: int
    retry_after: float | None

    def headers(self) -> dict[str, str]:
        """Return the answer as HTTP headers."""
        headers = {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
        }
        if not self.allowed and self.retry_after is not None:
            headers["Retry-After"] = str(math.ceil(self.retry_after))
        return headers


class RateLimiter:
    """Applies the same rate to any number of clients."""

    def __init__(self, rate: Rate | str, burst: int, clock: Clock | None = None):
        self.rate = Rate.parse(rate) if isinstance(rate, str) else rate
        self.burst = burst
        self._clock = clock or MonotonicClock()
        self._buckets: dict[Hashable, TokenBucket] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def allow(self, key: Hashable, count: int = 1) -> Decision:
        """Take tokens for a client if possible."""
        now = self._clock.now()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = TokenBucket(self.rate, self.burst, now)
        allowed = bucket.take(count, now)
        wait = 0.0 if allowed else bucket.wait_time(count, now)
        return Decision(allowed, self.burst, bucket.remaining(now), wait)

    def peek(self, key: Hashable) -> int:
        """Return the tokens of a client without taking any."""
        bucket = self._buckets.get(key)
        return self.burst if bucket is None else bucket.remaining(self._clock.now())

    def forget_idle(self) -> int:
        """Drop the buckets that are full again, and return how many there were."""
        now = self._clock.now()
        idle = [key for key, bucket in self._buckets.items() if bucket.is_full(now)]
        for key in idle:
            del self._buckets[key]
        return len(idle)
