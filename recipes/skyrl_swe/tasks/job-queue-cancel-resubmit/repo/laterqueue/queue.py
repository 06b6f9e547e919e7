"""The queue: one heap of waiting jobs, one heap of ready jobs."""

from __future__ import annotations

import heapq
from itertools import count
from typing import Any

from .clock import Clock
from .job import DuplicateJob, Job


class JobQueue:
    def __init__(self, clock: Clock):
        self._clock = clock
        self._waiting: list[tuple[tuple[float, int], Job]] = []
        self._ready: list[tuple[tuple[int, int], Job]] = []
        self._pending: dict[str, Job] = {}
        self._cancelled: set[str] = set()
        self._numbers = count(1)

    def __len__(self) -> int:
        return len(self._pending)

    def __contains__(self, key: str) -> bool:
        return key in self._pending

    def submit(
        self, key: str, payload: Any = None, *, priority: int = 0, delay: float = 0.0, attempt: int = 1
    ) -> Job:
        """Add a job that becomes ready after ``delay`` seconds."""
        if key in self._pending:
            raise DuplicateJob(key)
        if delay < 0:
            raise ValueError("delay must not be negative")
        job = Job(key, payload, priority, self._clock.now() + delay, attempt, next(self._numbers))
        self._pending[key] = job
        heapq.heappush(self._waiting, (job.waiting_order(), job))
        return job

    def cancel(self, key: str) -> bool:
        """Take back the pending job with this key, if there is one."""
        if self._pending.pop(key, None) is None:
            return False
        self._cancelled.add(key)
        return True

    def pop(self) -> Job | None:
        """The next ready job, or None if no job is ready now."""
        self._promote()
        self._drop_cancelled(self._ready)
        if not self._ready:
            return None
        _, job = heapq.heappop(self._ready)
        self._pending.pop(job.key, None)
        return job

    def seconds_until_next(self) -> float | None:
        """Seconds until a job is ready; None if nothing is pending."""
        self._promote()
        self._drop_cancelled(self._ready)
        if self._ready:
            return 0.0
        self._drop_cancelled(self._waiting)
        if not self._waiting:
            return None
        return self._waiting[0][1].run_at - self._clock.now()

    def _promote(self) -> None:
        """Move the jobs whose time has come to the heap of ready jobs."""
        now = self._clock.now()
        while self._waiting and self._waiting[0][1].run_at <= now:
            _, job = heapq.heappop(self._waiting)
            heapq.heappush(self._ready, (job.ready_order(), job))

    def _drop_cancelled(self, heap: list) -> None:
        """Remove cancelled jobs from the top of ``heap``."""
        while heap and self._is_cancelled(heap[0][1]):
            _, job = heapq.heappop(heap)
            self._cancelled.discard(job.key)

    def _is_cancelled(self, job: Job) -> bool:
        return job.key in self._cancelled
