"""``thunderagent wandb-dashboard``."""

from __future__ import annotations

import concurrent.futures
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from thunderagent.adapters.tracking.wandb_login import is_logged_in
from thunderagent.adapters.tracking.workspace import as_json, report, workspace
from thunderagent.checks import wandb_project
from thunderagent.errors import ConfigError, TrackingError

ANSWER_S = 60.0
"""For W&B to take it: some requests, each tried again a few times."""
INSTEAD = "--json FILE to write the dashboard there"


def wandb_dashboard(
    project: Annotated[str, typer.Argument(metavar="ENTITY/PROJECT", help="Where the runs are.")],
    *,
    as_report: Annotated[
        bool, typer.Option("--report", help="A report, with words beside the charts, instead of a view.")
    ] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write what would be sent to this file, and send nothing.")
    ] = None,
) -> None:
    """Make the dashboard of a W&B project: a saved view of its workspace, or a report.

    Its sections are Throughput, KV cache, Waiting, Tools, Programs and Training. Every call makes a new one; what you have
    changed in another stays as it is. Runs get into the project by serve --wandb, thunder.wandb (SkyRL, slime) and the recipes.

    Examples:

      thunderagent wandb-dashboard my-team/agents

      thunderagent wandb-dashboard my-team/agents --report

      thunderagent wandb-dashboard my-team/agents --json dashboard.json      (without a network)
    """
    if wandb_project(project) is not None or "/" not in project:
        raise ConfigError("ENTITY/PROJECT", project, "name both, such as my-team/agents, without blanks and any of \\ # ? % :")
    entity, _, name = project.partition("/")
    if json_file is None and not is_logged_in():
        raise TrackingError(f"W&B has no key here: run `wandb login`, or give {INSTEAD}")
    made = (report if as_report else workspace)(entity, name)
    if json_file is not None:
        try:
            json_file.write_text(json.dumps(as_json(made), indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise ConfigError("--json", json_file, f"cannot be written: {error.strerror}") from None
        typer.echo(f"{json_file}: to make it, run the command without --json where W&B can be reached")
        return
    _save(made)
    typer.echo(made.url)


def _save(made: Any) -> None:
    try:
        _within(ANSWER_S, made.save)
    except TimeoutError:
        raise TrackingError(f"W&B has not answered within {ANSWER_S:g} s; try again, or give {INSTEAD}") from None
    except Exception as error:  # of several libraries, W&B's own among them
        raise TrackingError(f"W&B did not take the dashboard: {error}; give {INSTEAD}") from None


def _within(seconds: float, function: Callable[[], object]) -> None:
    """Call it; what it does after that time is not waited for.

    Raises:
        TimeoutError: it takes longer.
    """
    done: concurrent.futures.Future[None] = concurrent.futures.Future()

    def call() -> None:
        try:
            function()
        except BaseException as error:
            done.set_exception(error)
        else:
            done.set_result(None)

    threading.Thread(target=call, daemon=True).start()
    done.result(seconds)
