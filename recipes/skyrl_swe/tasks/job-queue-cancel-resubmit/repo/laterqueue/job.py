"""What the queue stores."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class DuplicateJob(Exception):
    """A job with this key is pending already."""

    def __init__(self, key: str):
        super().__init__(f"job {key!r} is pending already")
        self.key = key


@dataclass(frozen=True, eq=False)
class Job:
    """One submitted job. Two submissions are two different jobs, even with equal fields."""

    key: str
    payload: Any
    priority: int = 0
    run_at: float = 0.0
    attempt: int = 1
    number: int = field(default=0, repr=False)

    def waiting_order(self) -> tuple[float, int]:
        """Sort key while the job waits for its time."""
        return (self.run_at, self.number)

    def ready_order(self) -> tuple[int, int]:
        """Sort key among the jobs that may run."""
        return (-self.priority, self.number)
