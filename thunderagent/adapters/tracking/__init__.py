"""Where measurements go: CSV and JSONL files, W&B."""

from thunderagent.adapters.tracking.profiles import ProfileWriter
from thunderagent.adapters.tracking.rows import CSV_COLUMNS
from thunderagent.adapters.tracking.sampler import Sampler
from thunderagent.adapters.tracking.scheduling_run import SchedulingRun
from thunderagent.adapters.tracking.wandb import RunPlace, WandbRun

__all__ = ["CSV_COLUMNS", "ProfileWriter", "RunPlace", "Sampler", "SchedulingRun", "WandbRun"]
