"""cronwheel: parse cron expressions and compute their next runs."""

from .fields import CronError
from .runner import NoRun, next_run, upcoming
from .schedule import Schedule

__all__ = ["CronError", "NoRun", "Schedule", "next_run", "upcoming"]
