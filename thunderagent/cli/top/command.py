"""The command: its options, and which way it shows what happens."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from thunderagent.adapters.engines.urls import engine_urls
from thunderagent.adapters.gateway.manage.live import MAX_INTERVAL_S, MAX_PROGRAMS, MIN_INTERVAL_S, Question
from thunderagent.adapters.gateway.manage.snapshot import SORTS, Snapshot
from thunderagent.cli.key_sources import ADMIN_KEY_ENV, API_KEY_ENV, key_to_send, keys_of_environment
from thunderagent.cli.start import say
from thunderagent.cli.top.feed import Feed, read
from thunderagent.cli.top.history import History
from thunderagent.cli.top.view import plain
from thunderagent.cli.units import parse_seconds
from thunderagent.errors import ConfigError

GATEWAY = "http://127.0.0.1:8300"
PLAIN_COLUMNS = 140
"""Of text for files and pipes, where no terminal says how wide it is: enough for reasons."""
PROGRAMS = 200


def top(
    url: Annotated[str, typer.Argument(metavar="[URL]", help="The gateway; with --admin-port, that port of it.")] = GATEWAY,
    *,
    sort: Annotated[str, typer.Option("--sort", "-s", metavar="NAME", help=f"Order of agents: {', '.join(SORTS)}.")] = SORTS[0],
    programs: Annotated[int, typer.Option("--programs", "-n", metavar="N", help="At most so many of them.")] = PROGRAMS,
    interval: Annotated[str, typer.Option(metavar="TIME", help="Between two looks.")] = "1s",
    once: Annotated[bool, typer.Option("--once", help="Look once and print plain text.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Look once and print everything as JSON.")] = False,
    api_key_file: Annotated[Path | None, typer.Option(metavar="FILE", help="Its first key is sent to the gateway.")] = None,
    api_key_env: Annotated[
        str | None,
        typer.Option(metavar="VARIABLE", help=f"The variable that holds it; default: {ADMIN_KEY_ENV} or {API_KEY_ENV}."),
    ] = None,
) -> None:
    """Watch a running gateway: engines, what each agent does, why it waits.

    Keys: s sorts, / filters, p pauses, ? explains, q quits. Without a terminal (or with TERM=dumb) it prints a block of text
    at each look. What the columns mean is in docs/seeing_top.md.

    Examples:

      thunderagent top

      thunderagent top http://gateway:8300 --sort tokens

      thunderagent top --once > now.txt

      thunderagent top --json | jq .totals
    """
    (base,), notes = engine_urls("URL", [url])
    if sort not in SORTS:
        raise ConfigError("--sort", sort, f"must be one of {', '.join(SORTS)}")
    if not 0 <= programs <= MAX_PROGRAMS:
        raise ConfigError("--programs", programs, f"must be from 0 to {MAX_PROGRAMS:,}")
    interval_s = parse_seconds("--interval", interval)
    if not MIN_INTERVAL_S <= interval_s <= MAX_INTERVAL_S:
        raise ConfigError("--interval", interval, f"must be from {MIN_INTERVAL_S:g} to {MAX_INTERVAL_S:g} seconds")
    for note in notes:
        say("note", note)
    feed = Feed(base, _key(api_key_file, api_key_env), interval_s)
    question = Question(programs, sort)
    if once or as_json:
        told = asyncio.run(feed.once(question))
        _print_json(told) if as_json else _print(read(told), base)
    elif _is_screen():
        from thunderagent.cli.top.screen import watch  # needs a terminal's modes, which not every system has

        asyncio.run(watch(feed, question))
    else:
        asyncio.run(_print_all(feed.follow(question), base))


def _key(file: Path | None, variable: str | None) -> str | None:
    if file is not None or variable is not None:
        return key_to_send(file, variable)
    keys = keys_of_environment(ADMIN_KEY_ENV) or keys_of_environment(API_KEY_ENV)
    return keys[0] if keys else None


def _is_screen() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown", "")


def _print_json(told: bytes) -> None:
    print(json.dumps(json.loads(told), indent=2))


def _print(look: Snapshot, url: str, history: History | None = None) -> None:
    columns = None if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdecimal() else PLAIN_COLUMNS
    console = Console(highlight=False, color_system=None, width=columns)
    with console.capture() as captured:
        console.print(plain(look, url, history, console.width, ascii_only=console.options.ascii_only))
    print("\n".join(line.rstrip() for line in captured.get().splitlines()), flush=True)


async def _print_all(looks: AsyncIterator[Snapshot | str], url: str) -> None:
    """Block after block, for files and for terminals that have no screen."""
    history = History()
    try:
        async for look in looks:
            if isinstance(look, str):
                say("note", look)
                continue
            history.add(look.at, look.totals)
            _print(look, url, history)
            print(flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads: its last flush must not fail
