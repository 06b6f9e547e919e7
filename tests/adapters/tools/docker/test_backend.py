"""Containers as sandboxes: made, found, attached and removed; others' are never touched."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from tests.adapters.tools.docker.lab import Lab
from thunderagent.errors import SandboxGone, SandboxProblem
from thunderagent.runtime.tools import Command, Found, Made, SandboxRequest
from thunderagent.runtime.tools.backend import OWNER, SANDBOX

pytestmark = [pytest.mark.containers, pytest.mark.xdist_group("containers")]


def test_a_sandbox_is_what_was_asked_for(lab: Lab) -> None:
    async def scenario() -> None:
        environment, name = {"COLOUR": "blue"}, lab.name()
        request = lab.request(environment=environment, workdir="/work/here", memory_bytes=64 << 20, setup="echo ready > state")
        assert await lab.make(name, request) == Made(image_bytes=0)
        assert (await lab.sh(name, "pwd; echo $COLOUR; cat state; ls /sys/class/net")).text == "/work/here\nblue\nready\nlo\n"
        shown = json.loads(lab.containers.podman("inspect", name))[0]
        assert shown["HostConfig"]["Memory"] == 64 << 20
        assert shown["Config"]["Labels"] == lab.labels(name)

    lab.run(scenario)


def test_one_that_may_reach_others_has_a_network(lab: Lab) -> None:
    async def scenario() -> None:
        name = await lab.made(network=True)
        assert json.loads(lab.containers.podman("inspect", name))[0]["HostConfig"]["NetworkMode"] != "none"

    lab.run(scenario)


def test_a_setup_that_fails_says_what_it_printed_and_may_be_tried_again(lab: Lab) -> None:
    async def scenario() -> None:
        name, request = lab.name(), lab.request(setup="echo no such package >&2; exit 3")
        for _ in range(2):
            with pytest.raises(SandboxProblem, match="its setup ended with exit code 3: no such package") as problem:
                await lab.make(name, request)
            assert not problem.value.permanent
            await lab.backend.remove(name)

    lab.run(scenario)


def test_orphans_of_commands_do_not_stay_as_zombies(lab: Lab) -> None:
    async def scenario() -> None:
        name = await lab.made()
        await lab.sh(name, "(sleep 0.05 &)")

        async def none_left() -> bool:
            return await lab.processes(name) == []

        await lab.eventually(none_left)

    lab.run(scenario)


def test_removing_leaves_nothing_and_may_be_asked_for_by_several_and_again(lab: Lab) -> None:
    async def scenario() -> None:
        name = await lab.made()
        await asyncio.gather(*(lab.backend.remove(name) for _ in range(4)))
        assert name not in lab.containers.names()
        await lab.backend.remove(name)

    lab.run(scenario)


def test_found_are_those_with_our_labels_running_or_not(lab: Lab) -> None:
    async def scenario() -> None:
        running, stopped = await lab.made(setup="head -c 100000 /dev/zero > /file"), await lab.made()
        lab.containers.podman("kill", stopped)
        found = {one.sandbox_id: one for one in await lab.backend.found() if one.labels[OWNER] == lab.prefix}
        assert found.keys() == {running, stopped}
        assert found[running].labels == lab.labels(running)
        assert 100_000 <= (found[running].disk_bytes or 0) < 200_000

    lab.run(scenario)


def test_sizes_are_not_looked_at_with_every_look(lab: Lab) -> None:
    async def scenario() -> None:
        name = await lab.made()
        looks = [next(one for one in await lab.backend.found() if one.sandbox_id == name) for _ in range(2)]
        assert looks[0].disk_bytes is not None
        assert looks[1] == Found(name, lab.labels(name), None)

    lab.run(scenario)


def test_containers_without_all_labels_or_with_inherited_ones_are_not_ours(lab: Lab) -> None:
    async def scenario() -> None:
        image = lab.image_of(await lab.made())
        others = [lab.name() for _ in range(3)]
        lab.containers.podman("create", "--name", others[0], image, "true")
        lab.containers.podman(
            "create", "--name", others[1], "--label", f"{OWNER}=", "--label", f"{SANDBOX}={others[1]}", image, "true"
        )
        lab.containers.podman("create", "--name", others[2], "--label", f"{OWNER}=me", lab.containers.image, "true")
        assert not {one.sandbox_id for one in await lab.backend.found()} & {*others}

    lab.run(scenario)


def test_a_foreign_container_is_attached_by_its_id_and_can_be_removed(lab: Lab) -> None:
    async def scenario() -> None:
        name = lab.name()
        full_id = lab.containers.podman("run", "--detach", "--name", name, lab.containers.image, "sleep", "1000")
        assert await lab.backend.attach(full_id) == await lab.backend.attach(full_id[:12]) == full_id
        for guessed in (name, full_id[:11]):
            with pytest.raises(SandboxGone, match=f"'{guessed}' is attached by its id only, at least 12 digits of it"):
                await lab.backend.attach(guessed)
        assert (await lab.backend.execute(full_id, SandboxRequest(), Command("echo $((6*7))"))).text == "42\n"
        assert full_id not in {one.sandbox_id for one in await lab.backend.found()}
        begun_s = time.monotonic()
        await lab.backend.remove(full_id)
        assert time.monotonic() - begun_s < 8.0, "the engine would have given it ten seconds to end"
        assert name not in lab.containers.names()

    lab.run(scenario)


def test_a_sandbox_of_ours_goes_by_its_name_when_it_is_attached(lab: Lab) -> None:
    async def scenario() -> None:
        name = await lab.made()
        full_id = lab.containers.podman("inspect", "--format={{.Id}}", name)
        assert await lab.backend.attach(full_id) == name

    lab.run(scenario)


def test_what_does_not_run_or_does_not_exist_cannot_be_attached(lab: Lab) -> None:
    async def scenario() -> None:
        name = lab.name()
        lab.containers.podman("create", "--name", name, lab.containers.image, "true")
        for wrong, message in {
            name: "does not run: it is created",
            "no-such-container": "has no container 'no-such-container'",
            "../images/json": "'../images/json' is no id or name of a container",
            "": "'' is no id or name",
        }.items():
            with pytest.raises(SandboxGone, match=message):
                await lab.backend.attach(wrong)

    lab.run(scenario)


def test_an_image_without_a_shell_is_refused_with_the_engines_words(lab: Lab) -> None:
    async def scenario() -> None:
        name = lab.name()
        lab.containers.podman("create", "--name", name, "--entrypoint=/bin/rm", lab.containers.image, "/bin/sh")
        lab.containers.podman("start", "--attach", name)
        with pytest.raises(SandboxProblem, match="/bin/sh"):
            await lab.make(lab.name(), SandboxRequest(image=lab.image_of(name)))

    lab.run(scenario)
