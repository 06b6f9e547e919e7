"""What every benchmark writes: its figures with their goals, and where they were measured.

    {"figures": {name: {"value": 7.1, "unit": "us", "goal": "<= 12"}}, "environment": {...}}

A figure without a goal is there for information.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number."""

    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def goal(self) -> str | None:
        """In words; None: there is none."""
        if self.at_most is not None:
            return f"<= {self.at_most:g}"
        return None if self.at_least is None else f">= {self.at_least:g}"

    @property
    def met(self) -> bool:
        """Whether the goal is reached; a figure without one always is."""
        too_high = self.at_most is not None and not self.value <= self.at_most
        too_low = self.at_least is not None and not self.value >= self.at_least
        return not (too_high or too_low)


def environment() -> dict[str, Any]:
    """Where and on what the figures were measured."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "cpu": _cpu_model(),
        "cpus": os.cpu_count(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "version": _version(),
    }


def as_json(figures: dict[str, Figure]) -> dict[str, Any]:
    """The document that a benchmark writes."""
    shown = {name: {"value": figure.value, "unit": figure.unit, "goal": figure.goal} for name, figure in figures.items()}
    return {"figures": shown, "environment": environment()}


def write(path: Path, figures: dict[str, Figure]) -> None:
    """Save the document; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(as_json(figures), indent=2) + "\n", encoding="utf-8")


def print_table(title: str, figures: dict[str, Figure]) -> None:
    """For people; plain text where rich is not installed."""
    rows = [(name, f"{figure.value:,.4g}", figure.unit, *_verdict(figure)) for name, figure in figures.items()]
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        print(title)
        for row in rows:
            print(f"{row[0]:<60} {row[1]:>10} {row[2]:<12} {row[3]:<8} {row[4]}")
        return
    table = Table(title=title)
    for heading in ("figure", "value", "unit", "goal", ""):
        table.add_column(heading, justify="right" if heading == "value" else "left")
    for row in rows:
        table.add_row(*row, style="red" if row[4] == "missed" else "")
    Console().print(table)


def _verdict(figure: Figure) -> tuple[str, str]:
    if figure.goal is None:
        return "", ""
    return figure.goal, "met" if figure.met else "missed"


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())


def _commit() -> str:
    """Of this checkout, with a mark if it has changes; empty outside of one."""
    here = Path(__file__).parent
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, cwd=here, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _version() -> str:
    try:
        return metadata.version("thunderagent")
    except metadata.PackageNotFoundError:
        return ""
