"""``thunderagent replay``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thunderagent.adapters.traces import open_trace
from thunderagent.cli import options
from thunderagent.cli.study import carry_out
from thunderagent.errors import ConfigError
from thunderagent.simulation.contenders import CONTENDERS
from thunderagent.simulation.experiments import Replay
from thunderagent.simulation.traces import FORMATS
from thunderagent.study.sweep import Plan


def replay(
    trace: Annotated[Path, typer.Argument(help="A recorded trace, plain or gzip: one JSON object per line.")],
    *,
    format: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"Of the trace: {', '.join(FORMATS)}. Default: what its first lines tell.")
    ] = None,
    policy: options.Policies = list(options.DEFAULT_POLICIES),
    programs: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="So many programs at any time, one after another. Default: they begin as recorded."
        ),
    ] = None,
    speed: Annotated[
        float, typer.Option(metavar="FACTOR", min=0.001, help="Recorded arrivals come so many times as fast.")
    ] = 1.0,
    engine: options.Engine = "32b-2xh100",
    engines: options.Engines = 1,
    constants: options.Constants = [],
    fault: options.Fault = [],
    profile: options.Profiles = None,
    out: options.Out = Path("outputs/replay"),
    workers: options.Workers = options.WORKERS,
    no_report: options.NoReport = False,
) -> None:
    """What would a policy have given on your own agents? Replays a recorded trace: a profile of thunderagent (profile.jsonl),
    or a trace of a load generator.

    Examples:

      thunderagent replay profile.jsonl      (programs begin as recorded)

      thunderagent replay profile.jsonl --programs 64 -e 8b-h100

      thunderagent replay mooncake.jsonl.gz --speed 2 -n 4
    """
    options.positive("--speed", speed)
    imported = open_trace(trace, format)
    if programs is None and not imported.has_arrivals:
        raise ConfigError("--programs", "", f"must be given: {trace} does not tell when its programs arrived")
    arrivals_s = None if programs is not None else [arrival_s / speed for arrival_s in imported.arrivals_s]
    experiment = Replay(trace.name, imported.scripts, arrivals_s, programs or 0)
    plan = Plan(
        [experiment],
        options.chosen("--policy", policy, CONTENDERS),
        [options.engine_spec(engine, constants)] * engines,
        [0],
        options.faults(fault, engines),
        options.SAMPLE_EVERY_S,
        profile,
    )
    begin = f"{programs} programs at any time" if programs is not None else f"programs begin as recorded, {speed:g} times as fast"
    settings = {
        "trace": f"{trace.name}: {len(imported.scripts)} programs, {imported.turns} turns, format {imported.format}",
        "arrivals": begin,
        "engine": engine,
    }
    notes = [*imported.notes, *(f"fault: {text}" for text in fault)]
    if "cap" in plan.contenders:
        notes.append("the best cap was searched on this trace itself, which flatters it")
    carry_out(plan, f"Replay of {trace.name}", settings=settings, notes=notes, out=out, workers=workers, report=not no_report)
