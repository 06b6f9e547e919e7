"""Queue for jobs with priorities and delays."""

from .clock import ManualClock, SystemClock
from .job import DuplicateJob, Job
from .queue import JobQueue
from .worker import Worker

__all__ = ["DuplicateJob", "Job", "JobQueue", "ManualClock", "SystemClock", "Worker"]
