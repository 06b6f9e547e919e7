"""``thunderagent tools``: the sandboxes that are there, and those that nobody will remove any more."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from thunderagent.adapters.tools import open_backend
from thunderagent.adapters.tools.owner import is_dead
from thunderagent.errors import ConfigError, SandboxProblem
from thunderagent.runtime.tools import Found, SandboxBackend, reclaim
from thunderagent.runtime.tools.backend import OWNER, PROGRAM
from thunderagent.tools_config import ToolsConfig

ACTIONS = ("list", "gc")
BOTH = ("docker", "bubblewrap")
"""Looked at where none is named: what an owner that died was told to use is not known here."""
LEFT = 1
"""The exit status if something that should go is still there, or a backend could not be asked."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One sandbox, and whether its owner lives."""

    backend: str
    found: Found
    dead: bool

    @property
    def row(self) -> dict[str, str | int | None]:
        """For people and for machines."""
        return {
            "sandbox": self.found.sandbox_id,
            "backend": self.backend,
            "owner": self.found.labels.get(OWNER, ""),
            "program": self.found.labels.get(PROGRAM, ""),
            "disk_bytes": self.found.disk_bytes,
            "owner_is": "dead" if self.dead else "alive, or elsewhere",
        }


def tools(
    action: Annotated[str, typer.Argument(metavar="list|gc", help="Show all sandboxes, or remove those of dead owners.")],
    *,
    backend: Annotated[
        str | None,
        typer.Option("--tools", metavar="NAME", help="docker, bubblewrap, or your own as module:name. Default: the first two."),
    ] = None,
    url: Annotated[str | None, typer.Option("--tools-url", metavar="URL", help="Of the Docker Engine API.")] = None,
    folder: Annotated[str | None, typer.Option("--tools-folder", metavar="DIR", help="Of bubblewrap's sandboxes.")] = None,
    owner: Annotated[
        list[str],
        typer.Option(metavar="ID", help="gc: this owner is dead too, such as one on a machine that is gone. May be given again."),
    ] = [],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="gc: only say what would go.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """Sandboxes: list all that thunderagent has made here, or remove those whose owner is dead (gc).

    A gateway or trainer removes its sandboxes when it ends, and those of dead ones when it starts; this is for when none will.
    Containers that thunderagent has not made are never listed and never touched. Exit status 1: something could not be removed.

    Examples:

      thunderagent tools list

      thunderagent tools gc --dry-run

      thunderagent tools gc --tools docker --tools-url unix:///run/podman/podman.sock
    """
    if action not in ACTIONS:
        raise ConfigError("ACTION", action, f"must be {' or '.join(ACTIONS)}")
    if action == "list" and (owner or dry_run):
        raise ConfigError("--owner" if owner else "--dry-run", owner or "", "goes with gc")
    console, complaints = Console(), Console(stderr=True)
    config = ToolsConfig(docker_url=url, folder=folder)
    names = BOTH if backend is None else (backend,)
    everything, whole = list[Seen](), True
    for name in names:
        try:
            seen, problems = asyncio.run(_look(_configured(config, name), action == "gc" and not dry_run, frozenset(owner)))
        except (SandboxProblem, ConfigError) as problem:
            if backend is not None:
                raise
            complaints.print(
                f"note: {name} was not looked at: {problem}", style="dim", highlight=False, markup=False, soft_wrap=True
            )
            continue
        everything += seen
        for one, problem_text in problems:
            whole = False
            complaints.print(
                f"{one.sandbox_id} is left: {problem_text}", style="red", highlight=False, markup=False, soft_wrap=True
            )
    shown = [one for one in everything if one.dead] if action == "gc" else everything
    if as_json:
        print(json.dumps([one.row for one in shown], indent=2))
    else:
        _tell(shown, action, dry_run, console)
    raise typer.Exit(0 if whole else LEFT)


def _configured(config: ToolsConfig, name: str) -> ToolsConfig:
    if ":" in name:
        return replace(config, backend="callable", factory=name)
    if name not in BOTH:
        raise ConfigError("--tools", name, f"must be {', '.join(BOTH)} or module:name")
    return replace(config, backend=name)


async def _look(config: ToolsConfig, remove: bool, dead: frozenset[str]) -> tuple[list[Seen], list[tuple[Found, str]]]:
    """All sandboxes of a backend as they were, and those that should have gone and did not."""

    def gone(owner_id: str) -> bool:
        return owner_id in dead or is_dead(owner_id)

    backend: SandboxBackend = open_backend(config)
    try:
        seen = [Seen(backend.name, found, gone(found.labels.get(OWNER, ""))) for found in await backend.found()]
        return seen, (await reclaim(backend, gone))[1] if remove else []
    finally:
        await backend.close()


def _tell(shown: list[Seen], action: str, dry_run: bool, console: Console) -> None:
    if not shown:
        console.print("there are no sandboxes" if action == "list" else "nothing to remove: no sandbox of a dead owner is here")
        return
    table = Table(box=None)
    for name in shown[0].row:
        table.add_column(name.replace("_", " "), justify="right" if name == "disk_bytes" else "left", overflow="fold")
    for one in shown:
        table.add_row(*("" if value is None else str(value) for value in one.row.values()))
    console.print(table)
    if action == "gc":
        console.print(f"{'would be removed' if dry_run else 'removed'}: {len(shown)}", highlight=False)
