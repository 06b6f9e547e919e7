"""Programs and their sandboxes, with the host that settings open: nothing is left behind, whoever is killed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.adapters.tools.local import DEATH_S, Alive, Sandbox, needs_bubblewrap
from thunderagent.adapters.tools import open_tools
from thunderagent.adapters.tools.bubblewrap.jail import ISOLATION, root_mounts
from thunderagent.errors import SandboxGone, SandboxRefused
from thunderagent.runtime.tools import Command, SandboxProfile, SandboxRequest
from thunderagent.tools_config import ToolsConfig

pytestmark = needs_bubblewrap

KILLED = """
import asyncio, sys
from thunderagent.adapters.tools import open_tools
from thunderagent.runtime.tools import Command, SandboxRequest
from thunderagent.tools_config import ToolsConfig

async def main():
    host = open_tools(ToolsConfig(backend="bubblewrap", folder=sys.argv[1]))
    await host.start()
    held = [await host.acquire(program, SandboxRequest()) for program in ("p", "q")]
    host.prepare("r", SandboxRequest(setup="sleep 1000"))
    print(held[0].id, flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await host.execute("p", held[0].id, Command("exec >alive; echo begun; setsid sleep 1000 & sleep 1000"))

asyncio.run(main())
"""
"""A process that has two sandboxes and makes a third, when it runs a command without end."""


def files(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir())


async def become(root: Path, names: list[str]) -> bool:
    """Whether these are left in the end: removals tell nobody."""
    for _ in range(1000):
        if files(root) == names:
            return True
        await asyncio.sleep(0.01)
    return False


def test_who_names_no_image_gets_an_empty_working_tree_but_only_when_it_asks(tmp_path: Path) -> None:
    async def scenario() -> None:
        host = open_tools(ToolsConfig(backend="bubblewrap", folder=str(tmp_path / "root")))
        await host.start()
        host.program_began("p")
        assert host.of_program("p") == []
        held = await host.acquire("p")
        output = await host.execute("p", held.id, Command("ls -A"))
        assert (output.text, output.exit_code) == ("", 0)
        await host.close()

    asyncio.run(scenario())


def test_a_sandbox_is_prepared_ahead_used_and_gone_when_its_program_is_over(tmp_path: Path) -> None:
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "code").write_text("x = 1\n")
    root, profiles = tmp_path / "root", list[SandboxProfile]()
    config = ToolsConfig(backend="bubblewrap", folder=str(root), image=str(tmp_path / "image"), setup="echo 2 > made")

    async def scenario() -> None:
        host = open_tools(config, profiles.append)
        await host.start()
        host.program_began("p")
        held = await host.acquire("p")
        output = await host.execute("p", held.id, Command("cat code made"))
        assert (output.text, output.exit_code) == ("x = 1\n2\n", 0)
        assert files(root) == [held.id, f"{held.id}.json"]
        with pytest.raises(SandboxGone):
            await host.execute("q", held.id, Command("true"))
        host.program_over("p")
        assert await become(root, [])
        await host.close()

    asyncio.run(scenario())
    [profile] = profiles
    assert (profile.program_id, profile.outcome) == ("p", "used")
    assert profile.disk_bytes > 0


def test_a_program_without_a_sandbox_learns_why_and_nothing_is_left(tmp_path: Path) -> None:
    async def scenario() -> None:
        host = open_tools(ToolsConfig(backend="bubblewrap", folder=str(tmp_path)))
        await host.start()
        with pytest.raises(SandboxRefused, match="image '/nowhere' must be the absolute path of a folder"):
            await host.acquire("p", SandboxRequest(image="/nowhere"))
        await host.close()

    asyncio.run(scenario())
    assert files(tmp_path) == []


def test_a_sandbox_whose_folder_somebody_removes_is_gone_and_so_are_its_labels(tmp_path: Path) -> None:
    async def scenario() -> None:
        host = open_tools(ToolsConfig(backend="bubblewrap", folder=str(tmp_path)))
        await host.start()
        held = await host.acquire("p", SandboxRequest())
        os.rename(tmp_path / held.id, tmp_path / "elsewhere")  # noqa: PTH104
        with pytest.raises(SandboxGone):
            await host.execute("p", held.id, Command("true"))
        await host._sweeper.sweep()
        assert await become(tmp_path, ["elsewhere"])
        await host.close()

    asyncio.run(scenario())


def test_what_an_owner_that_was_killed_has_left_goes_with_the_next_start(tmp_path: Path) -> None:
    words = [sys.executable, "-c", KILLED, str(tmp_path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        try:
            assert owner.stdin is not None and owner.stdout is not None
            alive = Alive(tmp_path / owner.stdout.readline().strip() / "tree" / "alive")
            owner.stdin.write("\n")
            owner.stdin.flush()
            alive.began()
        finally:
            owner.kill()
    assert alive.ended(), "its commands have died with it"
    assert len(files(tmp_path)) >= 4

    async def next_start() -> list[str]:
        host = open_tools(ToolsConfig(backend="bubblewrap", folder=str(tmp_path)))
        await host.start()
        left = files(tmp_path)
        await host.close()
        return left

    assert asyncio.run(next_start()) == []


def test_what_an_owner_that_lives_has_is_left_alone(tmp_path: Path) -> None:
    config = ToolsConfig(backend="bubblewrap", folder=str(tmp_path))

    async def scenario() -> None:
        first, second = open_tools(config), open_tools(config)
        await first.start()
        held = await first.acquire("p", SandboxRequest())
        await second.start()
        await second.close()
        assert (await first.execute("p", held.id, Command("echo lives"))).text == "lives\n"
        await first.close()

    asyncio.run(scenario())
    assert files(tmp_path) == []


def test_a_command_that_outlived_its_owner_ends_when_its_sandbox_is_removed(tmp_path: Path) -> None:
    """An owner may be killed in the moment in which bwrap starts."""

    async def scenario() -> None:
        sandbox = Sandbox(tmp_path)
        await sandbox.prepare()
        alive = Alive(sandbox.tree / "alive")
        words = [*ISOLATION, *root_mounts(None), "--bind", str(sandbox.tree), "/here", "--chdir", "/here"]
        stray = subprocess.Popen(["bwrap", *words, "sh", "-c", "exec >alive; echo begun; sleep 1000"])  # noqa: ASYNC220
        try:
            alive.began()
            await Sandbox(tmp_path).backend.remove("box")
            assert stray.wait(DEATH_S) != 0 and alive.ended()
        finally:
            stray.kill()

    asyncio.run(scenario())
