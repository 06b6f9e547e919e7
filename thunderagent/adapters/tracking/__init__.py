"""Where measurements go: CSV and JSONL files, W&B."""

from thunderagent.adapters.tracking.profiles import CSV_COLUMNS, ProfileWriter

__all__ = ["CSV_COLUMNS", "ProfileWriter"]
