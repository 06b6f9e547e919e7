"""The commands, as a table: known before any of them is imported, so that help is quick and each needs only its own libraries."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

TERMINAL = ("typer", "rich")
STUDY = (*TERMINAL, "matplotlib", "jinja2", "orjson")
ENGINES = (*TERMINAL, "aiohttp")
TOOLS = (*TERMINAL, "psutil")
GATEWAY = (*TERMINAL, "uvicorn", "uvloop", "httptools", "starlette", "aiohttp", "msgspec", "orjson", "prometheus_client")


@dataclass(frozen=True, slots=True)
class Command:
    """One command: where it is, what it does, what it needs beyond the base install."""

    module: str
    function: str
    summary: str
    """The first words of its help, without importing it."""
    extra: str
    """Brings the libraries: ``pip install 'thunderagent[EXTRA]'``."""
    needs: tuple[str, ...]


COMMANDS = {
    "serve": Command(
        "thunderagent.cli.serve",
        "serve",
        "Serve: an OpenAI-compatible gateway in front of your engines, which schedules whole agent runs.",
        "gateway",
        GATEWAY,
    ),
    "scheduler": Command(
        "thunderagent.cli.scheduler",
        "scheduler",
        "A scheduler that gateways of other processes or machines share.",
        "gateway",
        GATEWAY,
    ),
    "top": Command(
        "thunderagent.cli.top",
        "top",
        "Watch a running gateway: engines, what each agent does, why it waits.",
        "gateway",
        GATEWAY,
    ),
    "doctor": Command(
        "thunderagent.cli.doctor",
        "doctor",
        "Look at your engines: what is there, what the scheduler would miss, and the flag that brings it.",
        "gateway",
        ENGINES,
    ),
    "grafana-dashboard": Command(
        "thunderagent.cli.grafana",
        "grafana_dashboard",
        "Print a dashboard for Grafana, over what GET /metrics of a gateway shows.",
        "gateway",
        GATEWAY,
    ),
    "tools": Command(
        "thunderagent.cli.tools",
        "tools",
        "Sandboxes: list all that thunderagent has made here, or remove those whose owner is dead (gc).",
        "tools,cli",
        TOOLS,
    ),
    "simulate": Command(
        "thunderagent.cli.simulate",
        "simulate",
        "What would a policy give? Simulated agents before simulated engines, through the very scheduler that serves.",
        "cli",
        STUDY,
    ),
    "replay": Command(
        "thunderagent.cli.replay",
        "replay",
        "What would a policy have given on your own agents? Replays a recorded trace: a profile of thunderagent (profile.jsonl), "
        "or a trace of a load generator.",
        "cli",
        STUDY,
    ),
    "report": Command(
        "thunderagent.cli.render",
        "render",
        "One page of a recorded run (its profile.jsonl), or of two compared (--vs); or that of a study again.",
        "cli",
        (*STUDY, "numpy", "msgspec"),
    ),
    "wandb-dashboard": Command(
        "thunderagent.cli.wandb_dashboard",
        "wandb_dashboard",
        "Make the dashboard of a W&B project: a saved view of its workspace, or a report.",
        "cli,wandb",
        (*TERMINAL, "wandb", "wandb_workspaces"),
    ),
}
FOR_ALL = ("--help", "-h", "--version")
"""Options that need no command."""


def with_command(arguments: Sequence[str]) -> list[str]:
    """The arguments with the command in front: ``serve`` where only options are given, help where nothing is."""
    if not arguments:
        return ["--help"]
    if arguments[0].startswith("-") and arguments[0] not in FOR_ALL:
        return ["serve", *arguments]
    return list(arguments)


def missing(arguments: Sequence[str]) -> str | None:
    """What the user has to install for these arguments, in words; None if everything is there."""
    command = COMMANDS.get(arguments[0])
    needs, extra = (TERMINAL, "cli") if command is None else (command.needs, command.extra)
    who = "the command line" if command is None else f"thunderagent {arguments[0]}"
    absent = [name for name in needs if not _is_there(name)]
    return f"{who} needs {', '.join(absent)}; install with: pip install 'thunderagent[{extra}]'" if absent else None


def _is_there(name: str) -> bool:
    try:
        return sys.modules[name] is not None if name in sys.modules else find_spec(name) is not None
    except ValueError:  # a module that somebody made by hand
        return True
