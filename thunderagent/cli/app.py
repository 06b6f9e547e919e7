"""The command and what all its parts have in common: help, errors, exit statuses."""

from __future__ import annotations

import sys

import typer
from rich.console import Console
from rich.markup import escape

from thunderagent.cli.render import render
from thunderagent.cli.replay import replay
from thunderagent.cli.simulate import simulate
from thunderagent.errors import ThunderAgentError

app = typer.Typer(
    name="thunderagent",
    help="A program-aware scheduler for LLM agents: what it would give you, and (soon) serving.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
app.command()(simulate)
app.command()(replay)
app.command(name="report")(render)


def run() -> None:
    """A user's mistake is one line and exit status 2; Ctrl-C is 130, by typer."""
    try:
        app()
    except ThunderAgentError as error:
        Console(stderr=True).print("[bold red]error:[/]", escape(str(error)), highlight=False, soft_wrap=True)
        sys.exit(2)
