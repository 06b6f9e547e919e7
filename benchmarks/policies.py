"""Compare the policies on simulated engines: ``python -m benchmarks.policies --help``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, median

from benchmarks.contenders import POLICIES, best_cap
from benchmarks.report import Figure, write
from thunderagent.core import CapPolicy, Policy
from thunderagent.simulation import EngineSpec
from thunderagent.simulation.experiments import MEASURED_S, WARM_UP_S, batch, programs_for, steady_state
from thunderagent.simulation.outcome import Outcome
from thunderagent.simulation.workloads import WORKLOADS, Workload

EVALUATION_SEEDS = (21, 22, 23)
"""Policies were tuned on 1, 2, 11, 12 and 13, and caps are searched on 1000."""
RL_PROMPTS, RL_ENGINES = 64, 4
"""The RL step of the policy study: 64 prompts x 8 samples on 4 engines."""
QUICK = 0.2
"""Share of the simulated time, or of the RL batch, that ``--quick`` runs."""
GOALS = {
    ("swe", "thunder"): 3.2,
    ("openhands", "thunder"): 2.4,
    ("search", "thunder"): 1.95,
    ("slow-tools", "thunder"): 1.35,
}
"""Throughput relative to the engine alone at four times the capacity."""
UNITS = {
    "turns_per_hour": "1/h",
    "ratio": "of default",
    "hit_rate": "of prompt tokens",
    "reprefilled": "tokens",
    "wait_p50": "s",
    "wait_p99": "s",
    "wait_max": "s",
    "makespan": "s",
    "group_mean": "s",
    "group_half": "s",
}
EXPLANATION = """\
Workloads: swe, openhands, search, slow-tools run in closed loop: so many programs are under way that their contexts are --load
times the KV cache of one engine (a 32B dense model on two H100s), measured for an hour after a warm-up. rl-batch is
one RL step: 64 prompts x 8 samples on 4 engines, all from the start; what counts is the makespan and when groups are complete.

Policies: default (the engine alone), cap (the best static number of programs, searched on another seed), tr-published, tr-decay
(the same with a half-life of 1 s), tr (its defects avoided), thunder, thunder-groups (group_aware).

Columns: ratio is throughput over default; group_mean and group_half the mean time at which a group is complete, and when half of
them are. Waits are from a turn's arrival to its start in the engine, turns that wait still included. Medians over the seeds.

Examples:
  python -m benchmarks.policies --quick                                  a first look, about two minutes
  python -m benchmarks.policies --workload swe --policy default thunder  one comparison
  python -m benchmarks.policies --json policies.json --seeds 1 2 3 4 5   everything, about 40 minutes
"""

Rows = dict[tuple[str, str], list[dict[str, float]]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the comparison and print it."""
    options = _parser().parse_args(arguments)
    scale = options.scale if options.scale is not None else QUICK if options.quick else 1.0
    seeds = options.seeds or (EVALUATION_SEEDS[:1] if options.quick else EVALUATION_SEEDS)
    rows: Rows = {}
    began_s = time.monotonic()
    total = len(options.workload) * len(options.policy) * len(seeds)
    for name in options.workload:
        workload = WORKLOADS[name]
        makers = {policy: _maker(policy, workload, options.load, scale) for policy in options.policy}
        for seed in seeds:
            for policy, maker in makers.items():
                rows.setdefault((name, policy), []).append(_measure(workload, maker(), options.load, seed, scale))
                done = sum(map(len, rows.values()))
                rate, spent_s = rows[name, policy][-1]["turns_per_hour"], time.monotonic() - began_s
                _progress(f"{done}/{total}  {spent_s:4.0f} s  {name} {policy} seed {seed}: {rate:,.0f} turns per hour")
    _add_ratios(rows)
    for name in options.workload:
        _print_table(name, {policy: rows[name, policy] for policy in options.policy}, options.load)
    if options.json is not None:
        write(options.json, _figures(rows, options.load))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.policies",
        description="Compare scheduling policies on simulated engines.",
        epilog=EXPLANATION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--workload", nargs="+", choices=WORKLOADS, default=list(WORKLOADS), help="default: all")
    parser.add_argument("--policy", nargs="+", choices=POLICIES, default=list(POLICIES), help="default: all")
    parser.add_argument("--load", type=_positive, default=4.0, help="contexts over KV capacity (default 4; rl-batch has its own)")
    parser.add_argument("--seeds", type=int, nargs="+", help=f"default: {' '.join(map(str, EVALUATION_SEEDS))}")
    parser.add_argument(
        "--quick", action="store_true", help=f"one seed and {QUICK:.0%} of the simulated time and of the RL batch"
    )
    parser.add_argument("--scale", type=_positive, help="share of the simulated time and of the RL batch, instead of --quick's")
    parser.add_argument("--json", type=Path, help="write all figures with their environment to this file")
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} must be positive and finite")
    return value


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _maker(policy: str, workload: Workload, load: float, scale: float) -> Callable[[], Policy]:
    if policy != "cap":
        return POLICIES[policy]
    slots = best_cap(workload, lambda candidate, seed: _throughput(workload, candidate, load, seed, scale))
    _progress(f"{workload.name}: the best cap is {slots} programs per engine")
    return lambda: CapPolicy(programs_per_backend=slots)


def _throughput(workload: Workload, policy: Policy, load: float, seed: int, scale: float) -> float:
    return _run(workload, policy, load, seed, scale).turns_per_hour


def _run(workload: Workload, policy: Policy, load: float, seed: int, scale: float) -> Outcome:
    spec = EngineSpec.dense_32b_on_2xh100()
    if workload.group_size > 1:
        prompts = max(1, round(RL_PROMPTS * scale))
        engines = max(1, round(RL_ENGINES * scale))
        return batch(policy, [spec] * engines, workload, prompts * workload.group_size, seed)
    programs = programs_for(load, workload, [spec])
    return steady_state(policy, [spec], workload, programs, seed, warm_up_s=scale * WARM_UP_S, measured_s=scale * MEASURED_S)


def _measure(workload: Workload, policy: Policy, load: float, seed: int, scale: float) -> dict[str, float]:
    outcome = _run(workload, policy, load, seed, scale)
    measured = {
        "turns_per_hour": outcome.turns_per_hour,
        "hit_rate": outcome.hit_rate,
        "reprefilled": float(outcome.reprefilled_tokens),
        "wait_p50": outcome.wait_s(0.5),
        "wait_p99": outcome.wait_s(0.99),
        "wait_max": outcome.wait_s(1.0),
    }
    if workload.group_size > 1:
        ends_s = outcome.group_ends_s()
        measured |= {"makespan": outcome.measured_s, "group_mean": fmean(ends_s), "group_half": median(ends_s)}
    return measured


def _add_ratios(rows: Rows) -> None:
    """Throughput over that of ``default`` with the same seed, if it was run."""
    for (workload, _), measured in rows.items():
        for row, alone in zip(measured, rows.get((workload, "default"), []), strict=False):
            row["ratio"] = row["turns_per_hour"] / max(1.0, alone["turns_per_hour"])


def _print_table(workload: str, rows: dict[str, list[dict[str, float]]], load: float) -> None:
    present = {metric for measured in rows.values() for metric in measured[0]}
    columns = [metric for metric in UNITS if metric in present]
    print(f"\n{workload}" + ("" if "makespan" in present else f", load {load:g}"))
    print(f"{'':16}" + "".join(f"{column:>15}" for column in columns) + "   spread of turns_per_hour")
    for policy, measured in rows.items():
        cells = "".join(f"{_text(median(row[column] for row in measured)):>15}" for column in columns)
        rates = [row["turns_per_hour"] for row in measured]
        print(f"{policy:16}{cells}   {min(rates):,.0f} to {max(rates):,.0f}")


def _text(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _figures(rows: Rows, load: float) -> dict[str, Figure]:
    figures: dict[str, Figure] = {}
    for (workload, policy), measured in rows.items():
        for metric in measured[0]:
            goal = GOALS.get((workload, policy)) if metric == "ratio" and load == 4 else None
            value = median(row[metric] for row in measured)
            figures[f"{workload}.{policy}.{metric}"] = Figure(value, UNITS[metric], at_least=goal)
    return figures


if __name__ == "__main__":
    main()
