"""The command line."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import uvloop

from benchmarks import report
from benchmarks.gateway import figures as figures_of
from benchmarks.gateway import growth, measure, processes, table
from benchmarks.gateway.connection import LoadError
from benchmarks.gateway.measure import BODIES, DIRECT, Amount, Cells
from benchmarks.gateway.others import Others
from benchmarks.gateway.target import Target
from benchmarks.report import Figure

COMPARED = (*BODIES, "streaming", "latency")
WATCHED = ("population", "streams", "expiry", "memory")
EXPLANATION = """\
All proxies stand in front of one fake engine, which answers at once. Rounds are interleaved over the proxies: figures are
medians of rounds, ratios are medians of each round's ratio, and the first table tells how far rounds were apart. CPU time is
that of a proxy's processes alone, with their threads and children. Every answer is verified byte for byte. A program's id is
sent in a header, in cells that say so in the body; each request differs in its last message, each program from its first.

parts
  small, 200kb, 2mb   CPU per request, closed loop over 32 connections (8 with 2 MB), each of them one program
  streaming           CPU per chunk, 64 streams of 500 chunks, one per 20 ms
  latency             one request at a time, over the engine's own, proxies in turn request by request
  population          CPU per request with 10,000 tracked programs, with 1,024 connections, with both
  streams             512 streams of 500 chunks: no byte may be lost
  expiry              20,000 programs that nobody releases, three times over: memory once they have expired
  memory              memory over 1,000,000 requests, a sample at each twentieth

The public ThunderAgent is compared through nginx: its CPU time was measured once as a multiple of nginx's.

nginx, sglang-router and vllm-router are started where they are installed; this installs them:
  scripts/peers setup

examples
  python -m benchmarks.gateway --quick                      all parts, short: some two minutes
  python -m benchmarks.gateway --part small 200kb           some parts
  python -m benchmarks.gateway --json gateway.json          everything: about 15 minutes
  python -m benchmarks.gateway -- --router default          with options of `thunderagent serve`

a proxy of your own, in front of the fake engine
  python -m benchmarks.gateway.engine --port 8000
  my-proxy --port 9000 --upstream http://127.0.0.1:8000 & echo $!
  python -m benchmarks.gateway --engine http://127.0.0.1:8000 --peer mine=http://127.0.0.1:9000:PID
"""


@dataclass(slots=True)
class Benchmark:
    """What is measured, and what has been."""

    engine_url: str
    parts: Sequence[str]
    amount: Amount
    extent: growth.Extent
    gateway_options: Sequence[str] = ()
    cells: Cells = field(default_factory=Cells)
    figures: dict[str, Figure] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    async def compare(self, peers: Sequence[Target], gateway: Target | None) -> None:
        """The gateway, if there is one, beside its peers."""
        targets = [*([gateway] if gateway else []), *peers]
        direct = Target.of(DIRECT, self.engine_url)
        with_body_ids = [replace(gateway, name=f"{gateway.name}, id in body", id_in_body=True)] if gateway else []
        for part in self.parts:
            with self._reported(part):
                if part in BODIES:
                    more = with_body_ids if part != "2mb" else []
                    await measure.cpu_of_bodies(self.cells, [*targets, *more], part, self.amount)
                elif part == "streaming":
                    await measure.cpu_of_streams(self.cells, targets, self.engine_url, self.amount)
                elif part == "latency":
                    for body in BODIES:
                        await measure.latency_of_bodies(self.cells, targets, direct, body, self.amount)
                    await measure.latency_of_streams(self.cells, targets, direct, self.amount)
        self.figures |= figures_of.of_cells(self.cells)

    async def watch(self) -> None:
        """What must not grow in the gateway."""
        for part in self.parts:
            with self._reported(part):
                if part == "population":
                    self.figures |= await growth.population(self.cells, self.engine_url, self.extent, *self.gateway_options)
                elif part == "streams":
                    self.figures |= await growth.many_streams(self.engine_url, self.extent, *self.gateway_options)
                elif part == "expiry":
                    self.figures |= await growth.expiry(self.cells, self.engine_url, self.extent, *self.gateway_options)
                elif part == "memory":
                    self.figures |= await growth.memory(self.cells, self.engine_url, self.extent, *self.gateway_options)

    @contextlib.contextmanager
    def _reported(self, part: str) -> Iterator[None]:
        """A part that fails is told of, and the others are still measured."""
        try:
            yield
        except LoadError as error:
            self.failed.append(part)
            print(f"error in {part}: {error}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, also when a goal is missed; 1: a part failed, its figures are missing."""
    options = _parser().parse_args(arguments)
    amount, extent = (Amount.quick(), growth.Extent.quick()) if options.quick else (Amount(), growth.Extent())
    if options.requests is not None:
        extent = replace(extent, watched=options.requests)
    others = Others()
    try:
        benchmark = _measure(options, amount, extent)
    except LoadError as error:
        sys.exit(f"error: {error}")
    benchmark.figures["used_by_other_processes"] = Figure(others.percent(), "% of CPUs")
    if cells := benchmark.cells.all():
        table.print_cells(cells)
    report.print_table("gateway", benchmark.figures)
    if options.json is not None:
        _write(options.json, benchmark)
        print(f"written: {options.json}")
    if benchmark.failed:
        print(f"not measured to the end: {', '.join(benchmark.failed)}", file=sys.stderr)
    return 1 if benchmark.failed else 0


def _measure(options: argparse.Namespace, amount: Amount, extent: growth.Extent) -> Benchmark:
    """
    Raises:
        LoadError: something did not start.
    """
    with contextlib.ExitStack() as running:
        engine_url = options.engine or running.enter_context(processes.engine())
        benchmark = Benchmark(engine_url, options.part, amount, extent, options.gateway_options)
        with contextlib.ExitStack() as compared:
            if set(options.part) & set(COMPARED):
                named = {target.name for target in options.peer}
                own = compared.enter_context(processes.peers(engine_url, [name for name in options.peers if name not in named]))
                gateway = None
                if not options.without_gateway:
                    gateway = compared.enter_context(processes.gateway(engine_url, *options.gateway_options))
                uvloop.run(benchmark.compare([*own, *options.peer], gateway))
        if not options.without_gateway:
            uvloop.run(benchmark.watch())
    return benchmark


def _write(path: Path, benchmark: Benchmark) -> None:
    """The document of all benchmarks, and the rounds that the figures come from."""
    cells = [
        {"what": cell.what, "target": cell.target, "unit": cell.unit, "samples": cell.samples} for cell in benchmark.cells.all()
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    document = report.as_json(benchmark.figures) | {"cells": cells}
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _peer(text: str) -> Target:
    try:
        return Target.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gateway",
        description="What the gateway costs, beside other proxies: CPU time, added latency, what grows.",
        epilog=EXPLANATION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--json", type=Path, metavar="FILE", help="write figures, goals, rounds and environment there")
    add("--quick", action="store_true", help="fewer and shorter rounds: a first look")
    add("--part", nargs="+", choices=(*COMPARED, *WATCHED), default=[*COMPARED, *WATCHED], metavar="PART", help="default: all")
    add("--requests", type=int, metavar="N", help="over which memory is watched; default: 1,000,000, with --quick 40,000")
    add("--peers", nargs="*", choices=processes.PEERS, default=processes.PEERS, help="to start, default: all; none: --peers")
    add("--peer", type=_peer, action="append", default=[], metavar="NAME=URL:PID", help="a proxy that runs already; repeatable")
    add("--engine", metavar="URL", help="a fake engine that runs already; default: one of our own")
    add("--without-gateway", action="store_true", help="measure the peers alone")
    add("gateway_options", nargs="*", metavar="-- OPTION", help="of `thunderagent serve`")
    return parser


if __name__ == "__main__":
    sys.exit(main())
