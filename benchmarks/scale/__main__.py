"""The command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks import report
from benchmarks.report import Figure
from benchmarks.scale import actor, call, gateways, kills, leases, recovery, shards, store

EXPLANATION = """\
What it takes to outlive crashes and to outgrow one process.

  recovery  seconds until a scheduler knows 10,000 and 100,000 programs of its store again; and of the whole `thunderagent serve`
  kills     50 SIGKILLs of `thunderagent serve --store` under load: programs that were lost or counted twice, turns that were
            not run just once
  leases    seconds until a gateway has 1,000 sandboxes of its store again; how long it takes that one more is durable
  store     CPU of the gateway at full load with a store over the same without, in pairs of processes, round by round
  gateways  requests that two cores can serve, by CPU time: `serve --gateways 2` over `serve`, interleaved round by round (512
            connections, small bodies, an engine that answers at once)
  call      until a turn is admitted by a scheduler in another process, over a Unix socket, beyond one in the same process; one
            turn at a time
  actor     the same where the scheduler is an actor of a small Ray on this machine
  shards    10,000 engines in 100 groups with a scheduler each, 1,000,000 programs: real schedulers, light engines; one group
            leaves and comes back. Agents on 32 full simulated engines, under one scheduler and under several: what does it cost?

examples
  python -m benchmarks.scale
  python -m benchmarks.scale --quick --only recovery --json scale.json
"""
PARTS: dict[str, Callable[[bool], dict[str, Figure]]] = {
    "recovery": recovery.measure,
    "kills": kills.measure,
    "leases": leases.measure,
    "store": store.measure,
    "gateways": gateways.measure,
    "call": call.measure,
    "actor": actor.measure,
    "shards": shards.measure,
}
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
