"""The command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks import report
from benchmarks.observe import dashboard, profiles, recorded, scrapes, spans
from benchmarks.report import Figure

EXPLANATION = """\
What it costs to see what happens.

  profiles  CPU of the gateway at full load (32 connections, small bodies, an engine that answers at once) with profiles in memory
            and on disk, over the same without, in pairs of processes, round by round; CPU per step of recording and writing
  scrapes   time of GET /metrics with 10,000 programs, and with 100
  spans     CPU per turn of OpenTelemetry's spans: on the event loop, and in the thread that makes them
  dashboard frames per second of the page with 1,000 programs, in headless Chromium
  report    time and memory of `thunderagent report` with a profile of 1,000,000 steps

examples
  python -m benchmarks.observe
  python -m benchmarks.observe --quick --only profiles --json observe.json
"""
PARTS: dict[str, Callable[[bool], dict[str, Figure]]] = {
    "profiles": profiles.measure,
    "scrapes": scrapes.measure,
    "spans": spans.measure,
    "dashboard": dashboard.measure,
    "report": recorded.measure,
}
"""Each is told whether a first look is enough."""


def main() -> None:
    """Measure, show, write."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.observe", description=EXPLANATION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone; may be given again")
    parser.add_argument("--quick", action="store_true", help="small sizes: a first look")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    figures: dict[str, Figure] = {}
    for name in options.only or PARTS:
        figures |= PARTS[name](options.quick)
    report.print_table("Seeing it", figures)
    if options.json is not None:
        report.write(options.json, figures)


if __name__ == "__main__":
    main()
