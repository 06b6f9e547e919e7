"""``thunderagent simulate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thunderagent.cli import options
from thunderagent.cli.study import carry_out
from thunderagent.errors import ConfigError
from thunderagent.simulation.catalogue import WORKLOADS
from thunderagent.simulation.contenders import CONTENDERS
from thunderagent.simulation.experiments import MEASURED_S, WARM_UP_S, Batch, Experiment, Steady
from thunderagent.study.sweep import Plan

FIRST_SEED = 21
"""Policies were tuned on 1, 2 and 11 to 13; caps are searched on 1000."""
MAX_LOAD = 1_000.0
"""Tens of thousands of programs before one engine."""
GROUPS = 64
"""Prompts of an RL step, as in the policy study."""


def simulate(
    *,
    workload: Annotated[
        list[str],
        typer.Option("--workload", "-w", metavar="NAME", help=f"Agents: {', '.join(WORKLOADS)}. May be given several times."),
    ] = ["swe"],
    policy: options.Policies = list(options.DEFAULT_POLICIES),
    load: Annotated[
        list[float],
        typer.Option(
            "--load", "-l", metavar="FACTOR", help="Contexts of all programs over all KV capacity. May be given several times."
        ),
    ] = [4.0],
    engine: options.Engine = "32b-2xh100",
    engines: options.Engines = 1,
    constants: options.Constants = [],
    seeds: Annotated[
        int, typer.Option(metavar="N", min=1, help="Repetitions with other programs; medians and spreads are shown.")
    ] = 1,
    hours: Annotated[
        float,
        typer.Option(metavar="HOURS", min=0.01, help="Simulated time that is measured, after a quarter as much of warm-up."),
    ] = 1.0,
    groups: Annotated[int, typer.Option(metavar="N", min=1, help="For rl-batch: prompts of one step, 8 samples each.")] = GROUPS,
    fault: options.Fault = [],
    profile: options.Profiles = None,
    out: options.Out = Path("outputs/simulate"),
    workers: options.Workers = options.WORKERS,
    no_report: options.NoReport = False,
) -> None:
    """What would a policy give? Simulated agents before simulated engines, through the very scheduler that serves.

    A table comes to the terminal; a page with pictures and all data to a folder.

    Examples:

      thunderagent simulate      (coding agents at four times the KV capacity)

      thunderagent simulate -w openhands -l 1 -l 2 -l 4 --seeds 3

      thunderagent simulate -w rl-batch -n 4      (one RL step on four engines)

      thunderagent simulate -p thunder --fault capacity=0.8
    """
    names = options.chosen("--workload", workload, WORKLOADS)
    for value in load:
        if not 0 < value <= MAX_LOAD:
            raise ConfigError("--load", value, f"must be positive and at most {MAX_LOAD:g}")
    options.positive("--hours", hours)
    experiments: list[Experiment] = []
    for name in names:
        source = WORKLOADS[name]
        if source.group_size > 1:
            experiments.append(Batch(source, groups))
        else:
            experiments += [Steady(source, value, hours * WARM_UP_S, hours * MEASURED_S) for value in sorted(set(load))]
    spec = options.engine_spec(engine, constants)
    plan = Plan(
        experiments,
        options.chosen("--policy", policy, CONTENDERS),
        [spec] * engines,
        range(FIRST_SEED, FIRST_SEED + seeds),
        options.faults(fault, engines),
        options.SAMPLE_EVERY_S,
        profile,
    )
    settings = {"engine": engine, "measured": f"{hours:g} simulated hours after {hours / 4:g} of warm-up"}
    notes = [f"fault: {text}" for text in fault]
    carry_out(
        plan, f"Simulation: {', '.join(names)}", settings=settings, notes=notes, out=out, workers=workers, report=not no_report
    )
