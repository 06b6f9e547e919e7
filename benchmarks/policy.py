"""Compare the policies on simulated engines, with the figures to reach: ``python -m benchmarks.policy --help``."""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.report import Figure, print_table, write
from thunderagent.simulation.catalogue import RL_BATCH, WORKLOADS
from thunderagent.simulation.contenders import meanings
from thunderagent.simulation.experiments import MEASURED_S, WARM_UP_S, Batch, Experiment, Steady
from thunderagent.simulation.faults import NO_FAULTS, Faults
from thunderagent.simulation.spec import EngineSpec
from thunderagent.study.document import Cell, Study
from thunderagent.study.job import Job, run
from thunderagent.study.sweep import Plan, sweep

EVALUATION_SEEDS = (21, 22, 23, 24, 25)
TUNING_SEEDS = (1, 2, 11, 12, 13)
"""Policies were tuned on ``swe``, ``openhands`` and ``search`` with these; nothing was tuned on the other workloads."""
ENGINE = EngineSpec.dense_32b_on_2xh100()
LOAD = 4.0
LOW_LOAD = 1.0
LOADS = (1.0, 1.5, 2.0, 3.0)
"""Beside ``LOAD``: where slow tools must not cost throughput either."""
RL_PROMPTS, RL_ENGINES = 64, 4
"""The RL step of the policy study: 64 prompts x 8 samples on 4 engines."""
COMPARED = ("default", "cap", "tr", "tr-decay", "tr-events", "thunder", "thunder+hints", "thunder+host", "bound")
QUICK = 0.2
"""Share of the simulated time and of the RL step that ``--quick`` runs."""
FAULTS = {
    "capacity x0.8": Faults(capacity_factor=0.8),
    "capacity x1.2": Faults(capacity_factor=1.2),
    "capacity x0.6": Faults(capacity_factor=0.6),
    "capacity x1.4": Faults(capacity_factor=1.4),
    "tokens x0.8": Faults(token_factor=0.8),
}
"""What ``thunder`` is told wrongly, on swe."""
EXPLANATION = f"""\
Parts: the workloads swe, openhands, search, slow-tools in closed loop, contexts {LOAD:g} times the KV cache of one engine (a 32B
dense model on two H100s), an hour each after a warm-up; low: the same at load {LOW_LOAD:g}, and slow-tools at several loads;
faults: thunder on swe told a wrong capacity or wrong token counts; rl-batch: one RL step, 64 prompts x 8 samples on 4 engines;
speed: CPU time of one simulation.

Each with five evaluation seeds; policies were tuned on others, caps are searched on others. Medians over seeds.

Examples:
  python -m benchmarks.policy --quick                           a first look, some minutes
  python -m benchmarks.policy --part swe --seeds 21 22          one workload, two seeds
  python -m benchmarks.policy --json policy.json --out DIR      everything, with a report; some minutes on two cores
"""


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure to reach: the median over seeds of one policy's metric over another's, or of the metric alone."""

    name: str
    metric: str
    policy: str
    over: str | None = None
    at_least: float | None = None
    at_most: float | None = None

    def figure(self, cells: Sequence[Cell]) -> Figure | None:
        """None if what it compares was not run."""
        mine = {cell.seed: cell.metrics.get(self.metric) for cell in cells if cell.policy == self.policy}
        base = {cell.seed: cell.metrics.get(self.metric) for cell in cells if cell.policy == self.over}
        values = []
        for seed, value in mine.items():
            other = base.get(seed) if self.over is not None else 1.0
            if value is not None and other:
                values.append(value / other)
        if not values:
            return None
        unit = "x" if self.over is not None else "share"
        return Figure(median(values), unit, at_least=self.at_least, at_most=self.at_most)


def _goals(workload: str, alone: float, tr: float, **others: float) -> list[Goal]:
    goals = [
        Goal(f"{workload}: thunder over the engine alone", "steps_per_min", "thunder", "default", at_least=alone),
        Goal(f"{workload}: thunder over tr", "steps_per_min", "thunder", "tr", at_least=tr),
        Goal(f"{workload}: thunder over the best cap", "steps_per_min", "thunder", "cap", at_least=others.get("cap")),
        Goal(f"{workload}: thunder of the bound", "bound_share", "thunder"),
        Goal(f"{workload}: tr of the bound", "bound_share", "tr"),
        Goal(f"{workload}: with hints, of the bound", "bound_share", "thunder+hints", at_least=others.get("hints")),
        Goal(f"{workload}: with a host tier, of the bound", "bound_share", "thunder+host", at_least=others.get("host")),
        Goal(f"{workload}: longest wait over tr's", "wait_max_s", "thunder", "tr", at_most=0.65),
    ]
    return goals


GOALS = {
    "swe": _goals("swe", 3.2, 1.13, cap=1.10, hints=0.70, host=0.95),
    "openhands": _goals("openhands", 2.4, 1.2, hints=0.60, host=0.85),
    "search": _goals("search", 1.95, 1.1, hints=0.90),
    "slow-tools": _goals("slow-tools", 1.35, 1.5),
}
"""At four times the capacity."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the comparison and print it."""
    parser = _parser()
    options = parser.parse_args(arguments)
    scale = options.scale if options.scale is not None else QUICK if options.quick else 1.0
    seeds = options.seeds or (EVALUATION_SEEDS[:1] if options.quick else EVALUATION_SEEDS)
    bench = _Bench(scale, seeds, options.workers)
    for part in options.part:
        bench.run(part)
    print_table("policies, medians over seeds " + ", ".join(map(str, seeds)), bench.figures)
    if options.json is not None:
        write(options.json, bench.figures)
    if options.out is not None:
        _report(bench, options.out, scale)


class _Bench:
    """Runs parts and keeps what they give."""

    def __init__(self, scale: float, seeds: Sequence[int], workers: int) -> None:
        self.figures: dict[str, Figure] = {}
        self.cells: list[Cell] = []
        self.seeds = seeds
        self._scale, self._workers = scale, workers
        self._began_s = time.monotonic()

    def run(self, part: str) -> None:
        """One of ``PARTS``."""
        if part == "low":
            self._low()
        elif part == "faults":
            self._faults()
        elif part == "rl-batch":
            self._rl_batch()
        elif part == "speed":
            self._speed()
        else:
            cells = self._sweep([self._steady(part, LOAD)], COMPARED)
            self.cells += cells
            self._reach(GOALS[part], cells)
            self._throughputs(part, cells)

    def _steady(self, workload: str, load: float) -> Steady:
        return Steady(WORKLOADS[workload], load, self._scale * WARM_UP_S, self._scale * MEASURED_S)

    def _sweep(
        self, experiments: Sequence[Experiment], contenders: Sequence[str], faults: Faults = NO_FAULTS, engines: int = 1
    ) -> list[Cell]:
        def progress(done: int, total: int, cell: Cell) -> None:
            spent_s = time.monotonic() - self._began_s
            rate = cell.metrics["steps_per_min"]
            what = f"{cell.workload} {cell.policy} load {cell.load:g} seed {cell.seed}"
            print(f"{done}/{total}  {spent_s:4.0f} s  {what}: {rate:,.1f}", file=sys.stderr, flush=True)

        return sweep(Plan(experiments, contenders, [ENGINE] * engines, self.seeds, faults), self._workers, progress).cells

    def _reach(self, goals: Sequence[Goal], cells: Sequence[Cell]) -> None:
        for goal in goals:
            figure = goal.figure(cells)
            if figure is not None:
                self.figures[goal.name] = figure

    def _throughputs(self, name: str, cells: Sequence[Cell]) -> None:
        """For information, with the spread over seeds."""
        for policy in dict.fromkeys(cell.policy for cell in cells):
            rates = [cell.metrics["steps_per_min"] for cell in cells if cell.policy == policy]
            self.figures[f"{name}: {policy}"] = Figure(median(rates), f"steps/min ({min(rates):.1f} to {max(rates):.1f})")

    def _low(self) -> None:
        for workload in GOALS:
            cells = self._sweep([self._steady(workload, LOW_LOAD)], ("default", "thunder"))
            self.cells += cells
            name = f"{workload}, load {LOW_LOAD:g}: thunder over the engine alone"
            self._reach([Goal(name, "steps_per_min", "thunder", "default", at_least=0.98)], cells)
        for load in LOADS[1:]:
            cells = self._sweep([self._steady("slow-tools", load)], ("default", "thunder"))
            self.cells += cells
            name = f"slow-tools, load {load:g}: thunder over the engine alone"
            self._reach([Goal(name, "steps_per_min", "thunder", "default", at_least=0.98)], cells)

    def _faults(self) -> None:
        steady = [self._steady("swe", LOAD)]
        right = {cell.seed: cell.metrics["steps_per_min"] for cell in self._sweep(steady, ["thunder"])}
        for name, faults in FAULTS.items():
            cells = self._sweep(steady, ["thunder"], faults)
            lost = [1.0 - cell.metrics["steps_per_min"] / right[cell.seed] for cell in cells if right[cell.seed]]
            if not lost:
                continue
            goal = 0.03 if faults.capacity_factor in (0.8, 1.2) or faults.token_factor != 1.0 else None
            self.figures[f"swe, {name}: thunder loses"] = Figure(median(lost), "share", at_most=goal)

    def _rl_batch(self) -> None:
        groups, engines = max(1, round(RL_PROMPTS * self._scale)), max(1, round(RL_ENGINES * self._scale))
        compared = (
            "default",
            "least-loaded",
            "prefix-affinity",
            "tr",
            "tr-events",
            "thunder",
            "thunder-groups",
            "thunder+hints",
            "thunder+host",
            "bound",
        )
        cells = self._sweep([Batch(RL_BATCH, groups)], compared, engines=engines)
        self.cells += cells
        self._reach([Goal("rl-batch: makespan of thunder over tr's", "makespan_s", "thunder", "tr", at_most=0.92)], cells)
        for policy in compared:
            spans = [cell.metrics["makespan_s"] for cell in cells if cell.policy == policy]
            self.figures[f"rl-batch: makespan, {policy}"] = Figure(median(spans), f"s ({min(spans):,.0f} to {max(spans):,.0f})")

    def _speed(self) -> None:
        """CPU time of this process, as the machine may be shared."""
        job = Job(self._steady("swe", LOAD), "thunder", [ENGINE], self.seeds[0])
        began_s = time.process_time()
        run(job)
        hours = self._scale * (WARM_UP_S + MEASURED_S) / 3600.0
        spent_s = (time.process_time() - began_s) / hours
        self.figures["one simulated hour of swe, thunder"] = Figure(spent_s, "s of one core", at_most=10.0)


PARTS = (*GOALS, "low", "faults", "rl-batch", "speed")


def _report(bench: _Bench, out: Path, scale: float) -> None:
    from thunderagent.study.report import write_report

    settings = {
        "engine": "32b-2xh100",
        "measured": f"{scale:g} simulated hours after a quarter of warm-up",
        "seeds": ", ".join(map(str, bench.seeds)),
        "tuned on": f"swe, openhands, search with seeds {', '.join(map(str, TUNING_SEEDS))}",
        **meanings(dict.fromkeys(cell.policy for cell in bench.cells)),
    }
    for path in write_report(Study("Policies compared", settings, bench.cells), out):
        print(path, file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.policy",
        description="Compare scheduling policies on simulated engines.",
        epilog=EXPLANATION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS), help="default: all")
    parser.add_argument("--seeds", type=int, nargs="+", help=f"default: {' '.join(map(str, EVALUATION_SEEDS))}")
    parser.add_argument("--quick", action="store_true", help=f"one seed and {QUICK:.0%} of the simulated time and of the RL step")
    parser.add_argument("--scale", type=_positive, help="share of the simulated time and of the RL step, instead of --quick's")
    parser.add_argument("--workers", type=_whole, default=2, help="processes (default 2)")
    parser.add_argument("--json", type=Path, help="write all figures with their environment to this file")
    parser.add_argument("--out", type=Path, help="write a report with pictures to this folder")
    return parser


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} must be a positive and finite number")
    return value


def _whole(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} must be a whole number of at least 1")
    return int(text)


if __name__ == "__main__":
    main()
