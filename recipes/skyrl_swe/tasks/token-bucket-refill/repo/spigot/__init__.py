"""Rate limits with token buckets."""
from .bucket import TokenBucket
from .clock import FakeClock, MonotonicClock
from .limiter import Decision, RateLimiter
from .rate import Rate

__all__ = ["Decision", "FakeClock", "MonotonicClock", "Rate", "RateLimiter", "TokenBucket"]
