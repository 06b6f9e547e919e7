"""What ``simulate`` and ``replay`` have in common: run a plan with a progress bar, show it, write it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from thunderagent.cli.options import writing
from thunderagent.simulation.contenders import meanings
from thunderagent.study.document import Cell, Study
from thunderagent.study.report import write_report
from thunderagent.study.report.table import print_study
from thunderagent.study.sweep import Plan, Results, sweep


def carry_out(
    plan: Plan, title: str, *, settings: dict[str, Any], notes: list[str], out: Path, workers: int, report: bool
) -> Study:
    """Run, print, write.

    Raises:
        ConfigError: nothing can be written to ``out``, or profiles where they should; if it is no folder, nothing is simulated.
    """
    folder = plan.profile_dir
    if folder is not None:
        with writing(folder, "--profile"):
            folder.mkdir(parents=True, exist_ok=True)
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    errors = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors) as bar:
        task = bar.add_task("simulating", total=None)

        def progress(done: int, total: int, cell: Cell) -> None:
            what = f"{cell.workload} {cell.policy}" + (f" load {cell.load:g}" if cell.load else "")
            bar.update(task, completed=done, total=total, description=what)

        with writing(folder, "--profile") if folder is not None else nullcontext():
            results = sweep(plan, workers, progress)
    study = Study(title, _settings(plan, results, settings), results.cells, results.timelines, notes)
    print_study(study, Console())
    with writing(out):
        written = _write(study, out, report=report)
    errors.print(f"written: {written}", highlight=False, markup=False, soft_wrap=True)
    return study


def _write(study: Study, out: Path, *, report: bool) -> Path:
    if report:
        return next(path for path in write_report(study, out) if path.name == "report.html")
    path = out / "study.json"
    path.write_text(study.to_json(), encoding="utf-8")
    return path


def _settings(plan: Plan, results: Results, settings: dict[str, Any]) -> dict[str, Any]:
    spec = plan.engines[0]
    found = {
        f"best cap, {e.workload} load {e.load:g}": f"{cap} programs per engine"
        for e, cap in zip(plan.experiments, results.caps, strict=bool(results.caps))
    }
    return {
        **settings,
        "engines": len(plan.engines),
        **{f"engine.{key}": value for key, value in asdict(spec).items()},
        "seeds": ", ".join(map(str, plan.seeds)),
        **found,
        **meanings(plan.contenders),
    }
