"""Statistics per time window."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .record import Record


@dataclass
class Window:
    """The requests of one time window; ``begin`` is included, the end is not."""

    begin: datetime
    count: int = 0
    errors: int = 0
    total: float = 0.0
    slowest: float = 0.0
    paths: Counter = field(default_factory=Counter)

    def add(self, record: Record) -> None:
        self.count += 1
        self.errors += record.is_error
        self.total += record.milliseconds
        self.slowest = max(self.slowest, record.milliseconds)
        self.paths[record.path] += 1

    @property
    def mean(self) -> float:
        return self.total / self.count if self.count else 0.0

    @property
    def top_path(self) -> str:
        """The most frequent path; of equally frequent ones the first in the alphabet."""
        return min(self.paths, key=lambda path: (-self.paths[path], path), default="")


def window_begin(time: datetime, seconds: int) -> datetime:
    """The begin of the window of ``time``, counted from the full hour."""
    hour = time.replace(minute=0, second=0, microsecond=0)
    passed = int((time - hour).total_seconds())
    return hour + timedelta(seconds=passed - passed % seconds)


def aggregate(records: Iterable[Record], seconds: int = 300) -> list[Window]:
    """The windows of ``records`` in order of time."""
    if seconds <= 0 or 3600 % seconds:
        raise ValueError("a window must divide an hour")
    windows: dict[datetime, Window] = {}
    for record in records:
        begin = window_begin(record.time, seconds)
        if begin not in windows:
            windows[begin] = Window(begin)
        windows[begin].add(record)
    return [windows[begin] for begin in sorted(windows)]
