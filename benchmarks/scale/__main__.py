"""The command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks import report
from benchmarks.report import Figure
from benchmarks.scale import shards

EXPLANATION = """\
What it takes to outlive crashes and to outgrow one process.

  shards    10,000 engines in 100 groups with a scheduler each, 1,000,000 programs: real schedulers, light engines; one group
            leaves and comes back. Agents on 32 full simulated engines, under one scheduler and under several: what does it cost?

examples
  python -m benchmarks.scale
  python -m benchmarks.scale --quick --only recovery --json scale.json
"""
PARTS: dict[str, Callable[[bool], dict[str, Figure]]] = {"shards": shards.measure}
"""Each is told whether a first look is enough."""


def main() -> None:
    """Measure, show, write."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale", description=EXPLANATION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone; may be given again")
    parser.add_argument("--quick", action="store_true", help="small sizes: a first look")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    figures: dict[str, Figure] = {}
    for name in options.only or PARTS:
        figures |= PARTS[name](options.quick)
    report.print_table("Outlive and outgrow", figures)
    if options.json is not None:
        report.write(options.json, figures)


if __name__ == "__main__":
    main()
