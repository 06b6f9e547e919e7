"""Streaming statistics of request logs."""

from .aggregate import Window, aggregate
from .reader import ReadStats, read_records
from .record import MalformedLine, Record, parse_line
from .report import Report, analyse, render

__all__ = [
    "MalformedLine", "ReadStats", "Record", "Report", "Window",
    "aggregate", "analyse", "parse_line", "read_records", "render",
]
