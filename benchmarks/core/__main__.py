"""The command line."""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import report, tr_scan
from benchmarks.core.memory import bytes_per_program
from benchmarks.core.replay import Recording, median_cost, record
from benchmarks.report import Figure
from thunderagent.core import CapPolicy, DefaultPolicy, Policy, ThunderPolicy, TrPolicy

PROGRAMS = (256, 4_096, 65_536, 262_144)
TIMED, QUICK_TIMED = 200_000, 20_000
"""Events against the clock."""
COMPARED_PROGRAMS = 4_096
"""The other policies are measured at the largest size up to this."""
LEAST_FOR_MEMORY = 4_096
"""In smaller populations pages and backends outweigh the programs."""
MAX_US, MAX_EXPONENT, MAX_BYTES = 12.0, 0.15, 1_500.0


@dataclass(slots=True)
class Benchmark:
    """Collects the figures."""

    backends: int
    seed: int
    timed: int
    repeats: int
    figures: dict[str, Figure] = field(default_factory=dict)

    def run(self, sizes: list[int]) -> None:
        """All of it."""
        self.figures["empty loop of this machine"] = Figure(_empty_loop_ns(), "ns")
        costs = {}
        for programs in sizes:
            costs[programs] = self._thunder(programs)
        if len(costs) > 1:
            self.figures["growth exponent"] = Figure(exponent(costs), "", at_most=MAX_EXPONENT)
        self._others(max((size for size in sizes if size <= COMPARED_PROGRAMS), default=min(sizes)))

    def _thunder(self, programs: int) -> float:
        recording = self._record("thunder", ThunderPolicy, programs)
        cost = median_cost(recording, ThunderPolicy, self.repeats)
        us = cost.seconds / recording.timed * 1e6
        size = f"{programs:,} programs"
        self.figures[f"thunder, {size}"] = Figure(us, "us/event", at_most=MAX_US)
        self.figures[f"thunder, {size}: per turn"] = Figure(cost.seconds / max(1, recording.turns) * 1e6, "us/turn")
        self.figures[f"thunder, {size}: collecting garbage"] = Figure(cost.collecting_s / recording.timed * 1e6, "us/event")
        self.figures[f"thunder, {size}: waiting"] = Figure(100 * recording.waiting_share, "% of programs")
        if programs >= LEAST_FOR_MEMORY and sys.platform == "linux":
            self.figures[f"memory, {size}"] = Figure(bytes_per_program(recording), "B/program", at_most=MAX_BYTES)
        scan_s = self._scan(recording)
        events_s = cost.seconds / recording.seconds * tr_scan.TICK_S
        self.figures[f"tr scan, {size}"] = Figure(scan_s, "s/tick")
        self.figures[f"tr scan, {size}: of thunder's events in 5 s"] = Figure(scan_s / events_s, "x")
        return us

    def _scan(self, recording: Recording) -> float:
        programs = tr_scan.population(recording.scheduler.programs.values())
        capacities = tr_scan.capacities(programs, self.backends)
        start_s = time.thread_time()
        tr_scan.tick(programs, capacities)
        return time.thread_time() - start_s

    def _others(self, programs: int) -> None:
        slots = max(1, programs // self.backends // 3)
        policies: dict[str, Callable[[], Policy]] = {
            "default": DefaultPolicy,
            "cap": lambda: CapPolicy(slots),
            "tr": TrPolicy,
            "tr as published": TrPolicy.published,
        }
        for name, policy in policies.items():
            recording = self._record(name, policy, programs)
            cost = median_cost(recording, policy, 1)
            self.figures[f"{name}, {programs:,} programs"] = Figure(cost.seconds / recording.timed * 1e6, "us/event")

    def _record(self, name: str, policy: Callable[[], Policy], programs: int) -> Recording:
        print(f"{name}, {programs:,} programs: recording, then replaying", file=sys.stderr, flush=True)
        return record(policy(), programs, self.backends, self.timed, seed=self.seed)


def exponent(costs: dict[int, float]) -> float:
    """Least squares of log cost against log programs."""
    points = [(math.log(programs), math.log(cost)) for programs, cost in costs.items()]
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 0, also when a goal is missed."""
    options = _parser().parse_args(arguments)
    timed, repeats = (QUICK_TIMED, 1) if options.quick else (TIMED, 3)
    sizes = options.programs or list(PROGRAMS[:2] if options.quick else PROGRAMS)
    benchmark = Benchmark(options.backends, options.seed, timed, repeats)
    benchmark.run(sorted(set(sizes)))
    report.print_table(f"scheduling core, {options.backends} backends", benchmark.figures)
    if options.json is not None:
        report.write(options.json, benchmark.figures)
        print(f"written: {options.json}")
    return 0


def _programs(text: str) -> int:
    programs = int(text)
    if programs < 8:
        raise argparse.ArgumentTypeError("agents come in groups of 8")
    return programs


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.core",
        description="CPU time per event of the scheduling core, its growth with the number of programs, and memory per program. "
        "Agents run in simulated time against a scheduler; the events that they make are recorded, then replayed against "
        "the clock (CPU time, median of three), garbage collection included. The published tr tick is run as a scan over the "
        "same programs, for the ratio.",
        epilog="Compare machines by the 'empty loop' figure: about 20 ns where nothing else runs. --quick takes half a minute.",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write figures, goals and environment there")
    parser.add_argument("--programs", type=_programs, nargs="+", metavar="N", help=f"default: {' '.join(map(str, PROGRAMS))}")
    parser.add_argument("--backends", type=int, default=64, metavar="N", help="default: 64")
    parser.add_argument("--seed", type=int, default=0, help="of the agents; default: 0")
    parser.add_argument("--quick", action="store_true", help="two sizes, a tenth of the events, one replay: a first look")
    return parser


def _empty_loop_ns() -> float:
    """CPU time of one iteration of an empty loop: how fast this machine is now."""
    start_s = time.thread_time()
    for _ in range(5_000_000):
        pass
    return (time.thread_time() - start_s) / 5e6 * 1e9


if __name__ == "__main__":
    sys.exit(main())
