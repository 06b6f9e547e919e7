"""``thunderagent report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from thunderagent.cli.options import writing
from thunderagent.errors import StudyError
from thunderagent.study.document import Study
from thunderagent.study.report import write_report
from thunderagent.study.report.table import print_study


def render(
    study: Annotated[Path, typer.Argument(help="A study.json that simulate or replay has written.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the page and the pictures; default: beside it.")
    ] = None,
) -> None:
    """Make the page, the pictures and the tables of a study again."""
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
