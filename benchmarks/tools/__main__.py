"""The command line."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from pathlib import Path

from benchmarks import report
from benchmarks.report import Figure
from benchmarks.tools import churn, disk, hidden, release
from benchmarks.tools.containers import Containers, running

EXPLANATION = """\
Sandboxes on a real container engine (podman, by Docker's API), which scripts/real-containers sets up with a registry of its own.

  hidden    48 agents of 3 turns each go through the gateway before the embedded engine, whose KV cache holds about a fifth of
            them. Every program gets a container, the preparation of which takes 1.5 s beyond the container's own time, while it
            waits for admission and in its first turn. The same again, with preparations that begin when they are asked for.
  release   from the release of a program until its container is gone
  churn     500 containers are made, used and dropped; 10% of all preparations and removals fail, half of them with their work
            done; their owner is killed (SIGKILL) in the middle, and another one goes on. What is left then?
  disk      40 images of the registry, one program each, under a budget for 10: the most disk that images ever took

examples
  python -m benchmarks.tools
  python -m benchmarks.tools --only hidden --json tools.json
"""
PARTS: dict[str, Callable[[Containers], dict[str, Figure]]] = {
    "hidden": lambda containers: asyncio.run(hidden.measure(containers)),
    "release": lambda containers: asyncio.run(release.measure(containers)),
    "churn": churn.measure,
    "disk": lambda containers: asyncio.run(disk.measure(containers)),
}


def main() -> None:
    """Measure, show, write."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tools", description=EXPLANATION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone; may be given again")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    figures: dict[str, Figure] = {}
    with running() as containers:
        for name in options.only or PARTS:
            figures |= PARTS[name](containers)
    report.print_table("Sandboxes", figures)
    if options.json is not None:
        report.write(options.json, figures)


if __name__ == "__main__":
    main()
