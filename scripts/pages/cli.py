"""docs/reference/cli.md: the commands and their options, as typer and argparse know them."""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Iterator
from typing import Any

import typer
from rich.text import Text

from recipes.serve.agents.__main__ import _parser as agents_parser
from scripts.pages.markdown import cell, code, plain, sentence, table
from thunderagent.adapters.engines.simulated.process import _parser as engine_parser
from thunderagent.cli.app import app
from thunderagent.cli.commands import COMMANDS

OTHERS = (
    ("python -m recipes.serve.agents", agents_parser),
    ("python -m thunderagent.adapters.engines.simulated", engine_parser),
)
ALIKE = {"scheduler": "serve"}
"""Commands that have the options of another one: only what differs is shown."""
TOLD_DEFAULT = re.compile(r"\s*\[(?:default: )?([^\[\]]+)\]$|(?:; d|\. D)efault: ([^.]+)\.$")
"""At the end of a help, what stands for nothing."""
AS_CODE = re.compile(r"(?<![\w`/.-])(--[a-z][\w-]*|[A-Z]+_[A-Z_]+\*?)(?![\w`])")
"""Options, and variables of the environment."""
PAGE = re.compile(r"docs/(\w+\.md)")


def lines() -> list[str]:
    """A section for each command."""
    group: Any = typer.main.get_command(app)
    context = group.make_context("thunderagent", ["--help"], resilient_parsing=True)
    commands = {name: group.resolve_command(context, [name])[1] for name in COMMANDS}
    text: list[str] = []
    for name, command in commands.items():
        text += _command(name, command, ALIKE.get(name), _options(commands.get(ALIKE.get(name, ""))))
    for name, parser in OTHERS:
        text += _program(name, parser())
    return text


def _command(name: str, command: Any, like: str | None, known: list[Any]) -> list[str]:
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    all_options, told = _options(command), set(map(_row, known))
    options = [option for option in all_options if _row(option) not in told]
    usage = " ".join(["thunderagent", name, *(["[OPTIONS]"] if options else []), *map(_argument_name, arguments)])
    head = [f"## `thunderagent {name}`", "", "```text", usage, "```", "", *_help(command.help)]
    if arguments:
        head += table(("argument", ""), ((code(_argument_name(one)), _text(one.help)[0]) for one in arguments))
    if like is not None:
        absent = [option.opts[0] for option in known if option.name not in {one.name for one in all_options}]
        head += [f"It has the options of [`thunderagent {like}`](#thunderagent-{like}), without {', '.join(map(code, absent))}."]
        head += ["Its own, and those with another default:", ""]
    return [*head, *_panels(options)]


def _options(command: Any) -> list[Any]:
    shown = () if command is None else command.params
    return [one for one in shown if one.param_type_name == "option" and not one.hidden]


def _help(text: str) -> Iterator[str]:
    """Paragraphs; examples, which are indented, as they are."""
    blocks = inspect.cleandoc(text).split("\n\n")
    examples = [line.strip() for block in blocks if block.startswith(" ") for line in block.splitlines()]
    for block in blocks:
        if not block.startswith((" ", "Example")):
            yield from (PAGE.sub(r"[docs/\1](../\1)", _marked(plain(block))), "")
    if examples:
        yield from ("```text", *examples, "```", "")


def _panels(options: list[Any]) -> Iterator[str]:
    for title in dict.fromkeys(option.rich_help_panel for option in options):
        if title:
            yield from (f"**{title}**", "")
        yield from table(("option", "default", ""), (_row(option) for option in options if option.rich_help_panel == title))


def _row(option: Any) -> tuple[str, str, str]:
    text, told = _text(option.help or "")
    names = ", ".join(code(name) for name in (*option.opts, *option.secondary_opts))
    value = "" if option.is_flag else f" {code(option.metavar)}"
    return names + value, told or _default(option.default, flag=option.is_flag), text


def _default(value: Any, *, flag: bool) -> str:
    if flag:
        return "on" if value is True else "off"
    if isinstance(value, list | tuple):
        return ", ".join(_default(one, flag=False) for one in value)
    return "" if value is None else code(f"{value:g}" if isinstance(value, float) else str(value))


def _text(markup: str) -> tuple[str, str]:
    """A help without rich's markup, and the default that it tells."""
    return _told(Text.from_markup(markup or "").plain)


def _told(text: str) -> tuple[str, str]:
    told = TOLD_DEFAULT.search(text)
    if told is None:
        return _marked(text), ""
    return f"{_marked(text[: told.start()]).removesuffix('.')}.", _marked(told[1] or told[2])


def _marked(text: str) -> str:
    return AS_CODE.sub(r"`\1`", text)


def _argument_name(argument: Any) -> str:
    name = (argument.metavar or argument.name.upper()).strip("[]")
    return name if argument.required else f"[{name}]"


def _program(name: str, parser: argparse.ArgumentParser) -> list[str]:
    rows = []
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        text, told = _told((action.help or "").replace("[%(default)s]", ""))
        default = "required" if action.required else told or _default(action.default, flag=action.nargs == 0)
        metavar = "" if action.nargs == 0 else f" {code(_metavar(action))}"
        rows.append((", ".join(map(code, action.option_strings)) + metavar, default, sentence(text)))
    return [f"## `{name}`", "", cell(_marked(parser.description or "")), "", *table(("option", "default", ""), rows)]


def _metavar(action: argparse.Action) -> str:
    return ",".join(map(str, action.choices)) if action.choices else str(action.metavar or action.dest.upper())
