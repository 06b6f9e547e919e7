"""Where measurements go: CSV and JSONL files, W&B."""

from thunderagent.adapters.tracking.profiles import ProfileWriter
from thunderagent.adapters.tracking.rows import CSV_COLUMNS

__all__ = ["CSV_COLUMNS", "ProfileWriter"]
