"""``thunderagent report`` of recorded runs: read with a progress bar, shown in short, written as one page."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from thunderagent.adapters.whole_file import write_whole
from thunderagent.cli.options import writing
from thunderagent.errors import ConfigError, ProfileError
from thunderagent.study.recorded import Run, find_profile, page, read_run, run_names
from thunderagent.study.recorded.metrics import METRICS, compare
from thunderagent.study.recorded.run import FILES
from thunderagent.study.report.numbers import shorten


def report_run(path: Path, vs: Path | None, out: Path | None) -> None:
    """Print and write.

    Raises:
        ProfileError: a profile cannot be used.
        ConfigError: the page cannot be written.
    """
    paths = [_profile(one) for one in (path, vs) if one is not None]
    written = _page_path(out, paths[0])
    runs = _read(paths)
    run, other = runs[0], runs[1] if len(runs) > 1 else None
    errors = Console(stderr=True)
    for one in runs:
        for note in one.notes:
            errors.print(f"warning: {note}", style="yellow", highlight=False, markup=False, soft_wrap=True)
    _print(run, other)
    with writing(written):
        written.parent.mkdir(parents=True, exist_ok=True)
        write_whole(written, page(run, other))
    print(written)


def _profile(path: Path) -> Path:
    found = find_profile(path)
    if found is None:
        raise ProfileError(f"{path} has no {FILES[0]}: a run writes it to its folder, or to that of --profile-dir")
    return found


def _page_path(out: Path | None, profile: Path) -> Path:
    if out is None:
        return profile.with_name("report.html")
    if out.suffix != ".html":
        return out / "report.html"
    if out.is_dir():
        raise ConfigError("--out", out, "is a folder, but its name is that of a page")
    return out


def _read(paths: list[Path]) -> list[Run]:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    runs = []
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        for path, name in zip(paths, run_names(paths), strict=True):
            task = bar.add_task(f"reading {shorten(str(path), 60)}", total=path.stat().st_size or None)
            runs.append(read_run(path, name, lambda done, task=task: bar.update(task, completed=done)))  # type: ignore[misc]
    return runs


def _print(run: Run, other: Run | None) -> None:
    table = Table(title=run.name if other is None else f"{run.name} compared with {other.name}", title_justify="left")
    table.add_column("number")
    for name in (run.name, *((other.name, "ratio", "") if other is not None else ())):
        table.add_column(name, justify="right")
    for row in compare(run, other):
        unit = METRICS[row.metric].unit
        label = METRICS[row.metric].label + (f" ({unit})" if unit not in ("share", "") else "")
        verdict = f"[{'green' if row.better else 'red'}]{row.verdict}[/]" if row.verdict else ""
        table.add_row(label, row.value, *((row.other, row.ratio, verdict) if other is not None else ()))
    Console().print(table)
