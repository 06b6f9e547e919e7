"""``thunderagent doctor``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from thunderagent.adapters.engines.checkup import Checkup, check_up
from thunderagent.adapters.engines.urls import engine_urls
from thunderagent.cli import diagnosis
from thunderagent.cli.key_sources import key_to_send
from thunderagent.cli.start import say
from thunderagent.cli.units import parse_seconds
from thunderagent.errors import ConfigError

TIMEOUT = "10s"
"""An engine that is up answers its pages in milliseconds and two tokens in a second or two, if it is not overloaded."""
BLIND = 1
"""The exit status if the scheduler would not see what it needs."""


def doctor(
    engines: Annotated[list[str], typer.Argument(metavar="URL...", help="The engines, as http://host:port.")],
    *,
    request: Annotated[
        bool, typer.Option("--request/--no-request", help="Also send a tiny request four times: what no page tells.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    timeout: Annotated[str, typer.Option(metavar="TIME", help="For connecting and each answer.")] = TIMEOUT,
    api_key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its first key is sent to the engines, which want one.")
    ] = None,
    api_key_env: Annotated[str | None, typer.Option(metavar="VARIABLE", help="The variable that holds this key.")] = None,
) -> None:
    """Look at your engines: what is there, what the scheduler would miss, and the flag that brings it.

    Exit status 0: everything that scheduling needs is there; 1: it would be blind somewhere. Every check is explained in
    docs/engines.md.

    Examples:

      thunderagent doctor http://gpu1:8000 http://gpu2:8000

      thunderagent doctor http://gpu1:8000 --no-request --json
    """
    urls, notes = engine_urls("URL", [text.strip() for given in engines for text in given.split(",") if text.strip()])
    if not urls:
        raise ConfigError("URL", "", "name the engines, such as http://gpu1:8000")
    timeout_s = parse_seconds("--timeout", timeout)
    if timeout_s <= 0:
        raise ConfigError("--timeout", timeout, "must be longer than 0")
    key = key_to_send(api_key_file, api_key_env)
    for note in notes:
        say("note", note)
    with Console(stderr=True).status(f"looking at {', '.join(urls)}"):
        checkups = asyncio.run(check_up(urls, timeout_s=timeout_s, request=request, key=key))
    _tell(checkups, as_json)
    raise typer.Exit(0 if all(checkup.ready for checkup in checkups) else BLIND)


def _tell(checkups: Sequence[Checkup], as_json: bool) -> None:
    if as_json:
        print(json.dumps(diagnosis.document(checkups), indent=2))
    else:
        diagnosis.show(checkups, Console())
