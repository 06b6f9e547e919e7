"""The record that the cache stores for each key."""
from dataclasses import dataclass
from typing import Any, Optional


@dataclass(frozen=True)
class Entry:
    """A value and the moment at which it stops being valid."""

    value: Any
    expires_at: Optional[float] = None

    @classmethod
    def build(cls, value, now, ttl):
        """Create an entry that lives for `ttl` seconds from `now` (None: for ever)."""
        if ttl is None:
            return cls(value, None)
        if ttl <= 0:
            raise ValueError(f"ttl must be positive, not {ttl!r}")
        return cls(value, now + ttl)

    def is_expired(self, now):
        """Say whether the entry is over at the given time."""
        return self.expires_at is not None and now >= self.expires_at

    def remaining(self, now):
        """Return the seconds left to live, or None for an entry without expiry."""
        if self.expires_at is None:
            return None
        return max(0.0, self.expires_at - now)
