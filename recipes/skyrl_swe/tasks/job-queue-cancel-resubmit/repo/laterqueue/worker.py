"""Run due jobs and repeat failed ones."""

from __future__ import annotations

from typing import Any, Callable

from .job import Job
from .queue import JobQueue


class Worker:
    """Calls ``handler(payload)`` for each due job.

    A job whose handler raises is submitted again after ``backoff`` seconds, then
    after twice as long and so on, until it was tried ``max_attempts`` times. It
    then ends up in ``failed``.
    """

    def __init__(
        self,
        queue: JobQueue,
        handler: Callable[[Any], None],
        *,
        max_attempts: int = 3,
        backoff: float = 1.0,
    ):
        self._queue = queue
        self._handler = handler
        self._max_attempts = max_attempts
        self._backoff = backoff
        self.failed: list[tuple[Job, Exception]] = []

    def run_due(self) -> int:
        """Run all jobs that are ready now; returns how many succeeded."""
        succeeded = 0
        while (job := self._queue.pop()) is not None:
            try:
                self._handler(job.payload)
            except Exception as error:  # a handler may fail in any way
                self._retry(job, error)
            else:
                succeeded += 1
        return succeeded

    def _retry(self, job: Job, error: Exception) -> None:
        if job.attempt >= self._max_attempts or job.key in self._queue:
            self.failed.append((job, error))
            return
        delay = self._backoff * 2 ** (job.attempt - 1)
        self._queue.submit(
            job.key, job.payload, priority=job.priority, delay=delay, attempt=job.attempt + 1
        )
