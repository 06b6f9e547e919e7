"""The form in which all benchmarks leave their figures: JSON with what was measured, and on what."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypedDict


class Figure(TypedDict):
    """One measured value."""

    value: float
    unit: str
    goal: str | None
    """What it is to reach, such as ``>= 3.2``; None: it is there to be compared with."""


def environment() -> dict[str, str]:
    """Where and with what the figures were measured."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": str(os.cpu_count()),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "thunderagent": _version(),
    }


def write(path: Path, figures: Mapping[str, Figure]) -> None:
    """Write the figures with their environment."""
    path.write_text(json.dumps({"figures": figures, "environment": environment()}, indent=2) + "\n")


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _version() -> str:
    try:
        return version("thunderagent")
    except PackageNotFoundError:
        return "unknown"
