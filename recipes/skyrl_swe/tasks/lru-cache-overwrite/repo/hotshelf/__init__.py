"""A bounded cache with a least-recently-used policy and a time to live."""
from .cache import CacheStats, LRUCache
from .clock import ManualClock, SystemClock
from .memo import memoize

__all__ = ["CacheStats", "LRUCache", "ManualClock", "SystemClock", "memoize"]
