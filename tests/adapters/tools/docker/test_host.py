"""The whole of it: programs, the host of sandboxes, containers; nothing is left behind, whatever fails."""

from __future__ import annotations

import asyncio
import sys

import pytest

from tests.adapters.tools.docker import unlucky
from tests.adapters.tools.docker.lab import Lab
from thunderagent.runtime.tools import Command
from thunderagent.runtime.tools.backend import OWNER

pytestmark = [pytest.mark.containers, pytest.mark.xdist_group("containers")]
ALL = unlucky.PROGRAMS * unlucky.EACH


def test_thirty_sandboxes_with_a_tenth_of_failures_leave_nothing_when_their_programs_are_over(lab: Lab) -> None:
    async def scenario() -> None:
        host, measured = unlucky.open_tools(lab.url, lab.containers.image)
        await host.start()

        async def run(program_id: str) -> None:
            for sandbox in await asyncio.gather(*(host.acquire(program_id) for _ in range(unlucky.EACH))):
                output = await host.execute(program_id, sandbox.id, Command("echo $((6 * 7))"))
                assert output.text == "42\n"
            host.program_over(program_id)

        await asyncio.gather(*(run(f"program-{number}") for number in range(unlucky.PROGRAMS)))
        mine = f"label={OWNER}={host.reactor.owner_id}"
        await host.close()
        assert lab.containers.names(mine) == set()
        assert host.backend.failures > 0  # type: ignore[attr-defined]
        assert [one.outcome for one in measured] == ["used"] * ALL

    asyncio.run(scenario())


def test_what_an_owner_that_was_killed_has_left_is_gone_after_the_next_start_and_nothing_else(lab: Lab) -> None:
    async def scenario() -> None:
        alive, _ = unlucky.open_tools(lab.url, lab.containers.image)
        await alive.start()
        theirs, foreign = (await alive.acquire("other")).id, lab.name()
        lab.containers.podman("run", "--detach", "--name", foreign, lab.containers.image, "sleep", "1000")

        command = [sys.executable, "-m", unlucky.__name__, lab.url, lab.containers.image]
        owner = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert owner.stdout is not None
        handed_out = [(await owner.stdout.readline()).decode().strip() for _ in range(ALL // 2)]  # others are being prepared
        owner.kill()
        await owner.wait()
        assert {*handed_out} <= lab.containers.names()

        host, _ = unlucky.open_tools(lab.url, lab.containers.image)
        owner_of_the_dead = handed_out[0].removeprefix("thunderagent-").rpartition("-")[0]
        await host.start()
        while lab.containers.names(f"label={OWNER}={owner_of_the_dead}"):
            await host._sweeper.sweep()  # as later on: some removals failed
        assert {theirs, foreign} <= lab.containers.names()
        await host.close()
        await alive.close()
        assert theirs not in lab.containers.names()

    asyncio.run(scenario())
