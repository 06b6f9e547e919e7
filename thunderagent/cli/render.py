"""``thunderagent report``: of a recorded run, or of a study, by what the file is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from thunderagent.cli.options import writing
from thunderagent.errors import ConfigError, StudyError
from thunderagent.study.document import Study
from thunderagent.study.report import write_report
from thunderagent.study.report.table import print_study

STUDY_HEAD_BYTES = 4096
GZIP_MAGIC = b"\x1f\x8b"


def render(
    file: Annotated[
        Path,
        typer.Argument(
            help="The profile of a run (profile.jsonl, also gzipped, or the folder that it is in), or a study.json of simulate "
            "or replay.",
        ),
    ],
    vs: Annotated[Path | None, typer.Option("--vs", metavar="FILE", help="Another run, to compare the run with.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="PATH",
            help="The page (NAME.html), or the folder for it and a study's pictures; default: beside.",
        ),
    ] = None,
) -> None:
    """One page of a recorded run (its profile.jsonl), or of two compared (--vs); or that of a study again.

    The page needs nothing but itself: numbers, plots over time, every turn of programs in a picture that zooms, tables.
    """
    if not _is_study(file):
        from thunderagent.cli.recorded import report_run

        report_run(file, vs, out)
        return
    if vs is not None:
        raise ConfigError("--vs", vs, f"compares recorded runs (profile.jsonl), but {file} is a study")
    _report_study(file, out)


def _is_study(path: Path) -> bool:
    """A JSON document, whatever is in it; a profile has a step in each line."""
    if path.is_dir():
        return not any(path.glob("profile.jsonl*")) and (path / "study.json").is_file()
    if ".jsonl" in path.suffixes:
        return False
    try:
        with path.open("rb") as opened:
            head = opened.read(STUDY_HEAD_BYTES)
    except OSError:
        return path.suffix == ".json"
    return not head.startswith(GZIP_MAGIC) and b'"program_id"' not in head.partition(b"\n")[0]


def _report_study(study: Path, out: Path | None) -> None:
    study = study / "study.json" if study.is_dir() else study
    try:
        text = study.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"{study} cannot be read: {error}") from None
    try:
        read = Study.from_json(text)
    except StudyError as error:
        raise StudyError(f"{study}: {error}") from None
    print_study(read, Console())
    folder = out or study.parent
    with writing(folder):
        written = write_report(read, folder)
    for path in written:
        print(path)
