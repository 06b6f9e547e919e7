"""A gateway with a store that is killed while programs have containers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.adapters.tools.docker.lab import Lab
from tests.adapters.tools.killed import agents, eventually, programs_keep_their_sandboxes
from thunderagent.runtime.tools.backend import OWNER, SANDBOX

pytestmark = [pytest.mark.containers, pytest.mark.xdist_group("containers")]


def options(lab: Lab) -> tuple[str, ...]:
    return ("--tools", "docker", "--tools-url", lab.url)


def test_programs_keep_their_containers_and_all_else_of_the_dead_gateway_goes(lab: Lab, tmp_path: Path) -> None:
    async def names() -> set[str]:
        return lab.containers.names(f"label={OWNER}")

    async def leave_orphan(like: str) -> None:
        owner, name = owner_of(lab, like), lab.name()
        labels = (f"--label={OWNER}={owner}", f"--label={SANDBOX}={name}")
        lab.containers.podman("run", "--detach", "--name", name, *labels, lab.containers.image, "sleep", "1000")

    async def scenario() -> None:
        async with agents(tmp_path, *options(lab)) as here:
            await programs_keep_their_sandboxes(here, {"image": lab.containers.image}, names, leave_orphan)

    asyncio.run(scenario())


def test_a_container_that_is_gone_meanwhile_is_dropped_and_one_that_was_attached_goes_with_its_program(
    lab: Lab, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async def theirs() -> set[str]:
            return lab.containers.names(f"name=^{lab.prefix}")

        async with agents(tmp_path, *options(lab)) as here:
            attached_id = lab.containers.podman("run", "--detach", "--name", lab.name(), lab.containers.image, "sleep", "1000")
            await here.ask("POST", "/programs/p/tools/attach", {"docker_ids": [attached_id]})
            lost = await here.sandbox("p", image=lab.containers.image)
            await here.gateway.kill()
            lab.containers.podman("rm", "--force", "--time=0", lost)
            await here.gateway.start()
            assert await here.sandboxes("p") == [attached_id]
            assert await here.sh("p", attached_id, "echo alive") == "alive\n"
            await here.release("p")
            await eventually(theirs, set())
        assert "1 sandboxes are not there any more" in (tmp_path / "log").read_text()

    asyncio.run(scenario())


def owner_of(lab: Lab, name: str) -> str:
    labels: dict[str, str] = json.loads(lab.containers.podman("inspect", "--format={{json .Config.Labels}}", name))
    return labels[OWNER]
