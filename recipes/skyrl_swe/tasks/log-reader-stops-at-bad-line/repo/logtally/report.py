"""Put the steps together and write tables."""

from collections.abc import Iterable
from dataclasses import dataclass

from .aggregate import Window, aggregate
from .reader import ReadStats, read_records


@dataclass(frozen=True)
class Report:
    windows: list[Window]
    stats: ReadStats

    @property
    def count(self) -> int:
        return sum(window.count for window in self.windows)


def analyse(lines: Iterable[str], window: int = 300, strict: bool = False) -> Report:
    """Read ``lines`` once and return the statistics."""
    stats = ReadStats()
    return Report(aggregate(read_records(lines, stats, strict), window), stats)


def render(report: Report) -> str:
    """A text table with one row per window and a summary."""
    rows = [("window", "count", "errors", "mean", "slowest", "top path")]
    for window in report.windows:
        rows.append((
            window.begin.strftime("%Y-%m-%d %H:%M"),
            str(window.count),
            str(window.errors),
            f"{window.mean:.1f}",
            f"{window.slowest:.1f}",
            window.top_path,
        ))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    stats = report.stats
    lines.append(f"{stats.lines} lines, {stats.records} requests, {stats.skipped} skipped ({stats.skipped_share:.1%})")
    return "\n".join(lines)
