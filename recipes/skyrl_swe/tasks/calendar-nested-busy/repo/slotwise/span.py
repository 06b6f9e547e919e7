"""Half-open ranges of time."""
from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Span:
    """The time from `start` up to, but not including, `end`."""

    start: datetime
    end: datetime

    def __post_init__(self):
        if self.end <= self.start:
            raise ValueError(f"span ends at {self.end}, before it starts")

    def __str__(self):
        if self.start.date() == self.end.date():
            return f"{self.start:%Y-%m-%d %H:%M}-{self.end:%H:%M}"
        return f"{self.start:%Y-%m-%d %H:%M}-{self.end:%Y-%m-%d %H:%M}"

    @property
    def length(self) -> timedelta:
        """The duration of the span."""
        return self.end - self.start

    def overlaps(self, other: Span) -> bool:
        """Say whether the spans share any time."""
        return self.start < other.end and other.start < self.end

    def touches(self, other: Span) -> bool:
        """Say whether the spans overlap or follow each other without a gap."""
        return self.start <= other.end and other.start <= self.end

    def clip(self, start: datetime, end: datetime) -> Span | None:
        """Return the part of the span inside a window, or None if there is none."""
        low, high = max(self.start, start), min(self.end, end)
        return Span(low, high) if low < high else None
