"""The command and what all its parts have in common: help, errors, exit statuses."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any, cast

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from thunderagent import __version__
from thunderagent.cli.commands import COMMANDS
from thunderagent.errors import ThunderAgentError

USAGE_ERROR = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])
"""Their base. It is click's: typer brings a click of its own, or uses the installed one."""


class LazyCommands(TyperGroup):
    """Imports a command when it is called, not for the list of all."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All of them, in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """What the list shows of one."""
        command = COMMANDS.get(cmd_name)
        return None if command is None else _as_click(cmd_name, _nothing, command.summary)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The one that is called."""
        name, _, rest = super().resolve_command(ctx, args)
        command = COMMANDS[str(name)]
        return name, _as_click(str(name), getattr(import_module(command.module), command.function)), rest


def _as_click(name: str, function: Any, summary: str | None = None) -> Any:
    single = _typer()
    single.command(name, help=summary)(function)
    return typer.main.get_command(single)


def _typer(**settings: Any) -> typer.Typer:
    return typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False, **settings)


def _nothing() -> None: ...


app = _typer(name="thunderagent", cls=LazyCommands, no_args_is_help=True)


def _tell_version(wanted: bool) -> None:
    if wanted:
        print(f"thunderagent {__version__}")
        raise typer.Exit


@app.callback()
def thunderagent(
    version: Annotated[bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """A program-aware scheduler for LLM agents: serves them, and tells what it would give you."""


def run(arguments: Sequence[str]) -> None:
    """A user's mistake is one line and exit status 2; Ctrl-C is 130, by typer."""
    try:
        sys.exit(app(list(arguments), standalone_mode=False) or 0)
    except USAGE_ERROR as error:
        _fail(error.format_message())
    except ThunderAgentError as error:
        _fail(str(error))
    except typer.Abort:
        sys.exit(1)


def _fail(problem: str) -> None:
    text = " ".join(problem.split())  # one line, whatever a library put in it
    Console(stderr=True).print("[bold red]error:[/]", escape(text), highlight=False, soft_wrap=True)
    sys.exit(2)
