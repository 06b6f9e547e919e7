"""The command line of a benchmark that consists of parts."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks import report
from benchmarks.report import Figure

Parts = Mapping[str, Callable[[bool], dict[str, Figure]]]
"""Each is told whether a first look is enough."""


def run(name: str, title: str, explanation: str, parts: Parts) -> None:
    """Measure, show, write. ``name``: of the package below ``benchmarks``."""
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}", description=explanation, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=parts, action="append", help="this part alone; may be given again")
    parser.add_argument("--quick", action="store_true", help="small sizes: a first look")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    figures: dict[str, Figure] = {}
    for part in options.only or parts:
        figures |= parts[part](options.quick)
    report.print_table(title, figures)
    if options.json is not None:
        report.write(options.json, figures)
