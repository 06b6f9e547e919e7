"""The cache container."""
from collections import OrderedDict
from dataclasses import dataclass

from .clock import SystemClock
from .entry import Entry

_UNSET = object()


@dataclass
class CacheStats:
    """Counters that describe how a cache was used."""

    hits: int = 0
    misses: int = 0
    evictions: int = 0
    expirations: int = 0

    @property
    def hit_rate(self):
        """Return the share of reads that found a live entry."""
        total = self.hits + self.misses
        return self.hits / total if total else 0.0


class LRUCache:
    """A mapping of bounded size whose entries may expire."""

    def __init__(self, max_size, default_ttl=None, clock=None):
        if max_size < 1:
            raise ValueError("max_size must be at least one")
        self.max_size = max_size
        self.default_ttl = default_ttl
        self.stats = CacheStats()
        self._clock = clock or SystemClock()
        self._entries = OrderedDict()

    def __len__(self):
        return len(self._entries)

    def __contains__(self, key):
        entry = self._entries.get(key)
        return entry is not None and not entry.is_expired(self._clock.now())

    def keys(self):
        """Return the stored keys, least recently used first."""
        return list(self._entries)

    def get(self, key, default=None):
        """Return the live value of a key and mark the key as used."""
        entry = self._entries.get(key)
        if entry is None:
            self.stats.misses += 1
            return default
        if entry.is_expired(self._clock.now()):
            self._expire(key)
            self.stats.misses += 1
            return default
        self._entries.move_to_end(key)
        self.stats.hits += 1
        return entry.value

    def put(self, key, value, ttl=_UNSET):
        """Store a value, making room first if the cache is full."""
        if ttl is _UNSET:
            ttl = self.default_ttl
        entry = Entry.build(value, self._clock.now(), ttl)
        if len(self._entries) >= self.max_size:
            self._make_room()
        self._entries[key] = entry

    def purge(self):
        """Remove all expired entries and return how many there were."""
        now = self._clock.now()
        stale = [key for key, entry in self._entries.items() if entry.is_expired(now)]
        for key in stale:
            self._expire(key)
        return len(stale)

    def _make_room(self):
        """Drop expired entries, or the least recently used one if none has expired."""
        if self.purge() == 0:
            self._entries.popitem(last=False)
            self.stats.evictions += 1

    def _expire(self, key):
        del self._entries[key]
        self.stats.expirations += 1
