"""``thunderagent tools``: what is there, and what of dead owners goes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.adapters.tools.local import needs_bubblewrap
from tests.cli.support import Command
from thunderagent.adapters.tools.bubblewrap import BubblewrapBackend
from thunderagent.adapters.tools.owner import new_owner_id
from thunderagent.runtime.tools import SandboxRequest
from thunderagent.runtime.tools.backend import OWNER, PROGRAM

pytestmark = needs_bubblewrap


def dead_owner() -> str:
    """Of a process of this machine that had our process id before us."""
    machine, pid, started, number = new_owner_id().split(".")
    return f"{machine}.{pid}.{int(started) - 1}.{number}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With sandboxes of a dead owner, of a living one, and of one on another machine."""
    backend = BubblewrapBackend(str(tmp_path / "boxes"))
    owners = {"of-dead": dead_owner(), "of-living": new_owner_id(), "of-other": "01234567.1.2.3"}

    async def make() -> None:
        for name, owner in owners.items():
            await backend.prepare(name, SandboxRequest(), {OWNER: owner, PROGRAM: f"program/{name}"})

    asyncio.run(make())
    return tmp_path / "boxes"


def there(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_dir()}


def test_all_are_listed_with_their_programs_and_whether_their_owners_live(thunderagent: Command, folder: Path) -> None:
    ran = thunderagent("tools", "list", "--tools", "bubblewrap", "--tools-folder", folder, "--json")
    assert ran.status == 0, ran
    listed = {one["sandbox"]: (one["program"], one["owner_is"]) for one in json.loads(ran.out)}
    assert listed == {
        "of-dead": ("program/of-dead", "dead"),
        "of-living": ("program/of-living", "alive, or elsewhere"),
        "of-other": ("program/of-other", "alive, or elsewhere"),
    }
    assert there(folder) == set(listed)


def test_gc_says_what_would_go_and_removes_what_dead_owners_have_left(thunderagent: Command, folder: Path) -> None:
    where = ("--tools", "bubblewrap", "--tools-folder", folder)
    dry = thunderagent("tools", "gc", *where, "--dry-run")
    assert (dry.status, "would be removed: 1" in dry.out, "of-dead" in dry.out, "of-living" in dry.out) == (0, True, True, False)
    assert "of-dead" in there(folder)
    ran = thunderagent("tools", "gc", *where)
    assert (ran.status, "removed: 1" in ran.out) == (0, True)
    assert there(folder) == {"of-living", "of-other"}
    again = thunderagent("tools", "gc", *where)
    assert (again.status, again.out.strip()) == (0, "nothing to remove: no sandbox of a dead owner is here")


def test_an_owner_that_is_known_to_be_dead_can_be_named(thunderagent: Command, folder: Path) -> None:
    where = ("--tools", "bubblewrap", "--tools-folder", folder)
    assert thunderagent("tools", "gc", *where, "--owner", "01234567.1.2.3").status == 0
    assert there(folder) == {"of-living"}


def test_a_sandbox_that_cannot_be_removed_is_told_and_is_exit_status_1(thunderagent: Command) -> None:
    ran = thunderagent("tools", "gc", "--tools", "tests.cli.stubborn:Stubborn")
    assert ran.status == 1
    assert "stuck is left: the device is busy" in ran.err


def test_without_a_name_both_backends_are_looked_at_and_what_is_not_there_is_a_note(
    thunderagent: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{folder}/nobody.sock")
    ran = thunderagent("tools", "list", "--tools-folder", folder)
    assert ran.status == 0
    assert "note: docker was not looked at" in ran.err and "nobody.sock" in ran.err
    assert "of-living" in ran.out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("sweep",), "ACTION=sweep: must be list or gc"),
        (("list", "--dry-run"), "--dry-run=: goes with gc"),
        (("gc", "--tools", "kubernetes"), "--tools=kubernetes: must be docker, bubblewrap or module:name"),
        (("gc", "--tools", "docker", "--tools-url", "unix:///nobody.sock"), "nobody.sock"),
    ],
    ids=str,
)
def test_a_mistake_is_one_line(thunderagent: Command, arguments: tuple[str, ...], problem: str) -> None:
    assert problem in thunderagent("tools", *arguments).problem
