"""Sandboxes as containers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from typing import Any

from aiodocker.containers import DockerContainer

from thunderagent.adapters.tools.docker.commands import Commands
from thunderagent.adapters.tools.docker.engine import Engine, EngineProblem
from thunderagent.adapters.tools.docker.images import Images, check_name
from thunderagent.errors import SandboxGone, SandboxProblem
from thunderagent.runtime.tools import Command, Found, Labels, Made, Output, SandboxRequest
from thunderagent.runtime.tools.backend import OWNER, SANDBOX

IDLE = ["/bin/sh", "-c", "while :; do sleep 3600 & wait; done"]
"""Stays until it is killed, with what every image has, and takes care of processes whose parents have died."""
NAME = re.compile(r"[A-Za-z0-9][\w.\-]*", re.ASCII)
"""Of a container; nothing else gets into the path of a question."""
SHORT_ID = 12
"""Digits of a container's id that engines show."""
LOOK_S = 0.1
"""Between looks at a container that somebody else is removing already."""
SIZES_SHARE = 0.1
"""Of the time, that may be spent on sizes: the engine walks through all files that containers have written."""
TAIL_CHARACTERS = 2_000
"""Of the output of a failed setup that are told."""


class DockerBackend:
    """By the Docker Engine API: Docker, podman. A ``SandboxBackend``; a container's name is the id of its sandbox."""

    def __init__(self, url: str | None) -> None:
        """Nothing is opened yet.

        Args:
            url: of the engine; None: ``DOCKER_HOST``, else the socket of Docker or podman that there is.

        Raises:
            ConfigError: this is no address of an engine.
        """
        self._engine = Engine(url)
        self._images, self._commands = Images(self._engine), Commands(self._engine)
        self._attached: set[str] = set()
        self._sizes_due_s = 0.0
        """When sizes are looked at again."""

    @property
    def name(self) -> str:
        """Of this kind of backend."""
        return "docker"

    async def prepare(self, sandbox_id: str, request: SandboxRequest, labels: Labels) -> Made:
        """A running container; its image is pulled if it is not there."""
        check_name(request.image)
        settings = _settings(request, labels)
        try:
            await self._create(sandbox_id, settings)
        except EngineProblem as problem:
            if problem.status != 404:
                raise
            await self._images.pull(request.image)
            await self._create(sandbox_id, settings)
        await self._engine.ask(lambda docker: docker.containers.container(sandbox_id).start(), again=True)
        if request.setup:
            await self._set_up(sandbox_id, request)
        return Made(image_bytes=await self._images.pulled_bytes(request.image))

    async def execute(self, sandbox_id: str, request: SandboxRequest, command: Command) -> Output:
        """By ``sh`` of the container."""
        return await self._commands.run(sandbox_id, command)

    async def remove(self, sandbox_id: str) -> None:
        """With its anonymous volumes, and at once: what somebody else has made would be given ten seconds to end."""
        if sandbox_id in self._attached:
            with contextlib.suppress(EngineProblem):
                await self._engine.ask(lambda docker: docker.containers.container(sandbox_id).kill())
            self._attached.discard(sandbox_id)
        while True:
            try:
                await self._engine.ask(
                    lambda docker: docker.containers.container(sandbox_id).delete(force=True, v=True), again=True
                )
                return
            except EngineProblem as problem:
                if problem.status == 404:
                    return
                if problem.status != 409:  # it is being removed already
                    raise
            await asyncio.sleep(LOOK_S)

    async def attach(self, name: str) -> str:
        """By its id, or as much of it as engines show. A container that is a sandbox of ours goes by its name, like all of them.

        Names of others' containers can be guessed, and what is attached can be used and is removed: they are not taken.
        """
        if not NAME.fullmatch(name):
            raise SandboxGone(f"{name!r} is no id or name of a container")
        try:
            shown = await self._engine.ask(lambda docker: docker.containers.container(name).show(), again=True)
        except EngineProblem as problem:
            if problem.status == 404:
                raise SandboxGone(f"the container engine at {self._engine.url} has no container {name!r}") from problem
            raise
        if not shown["State"]["Running"]:
            raise SandboxGone(f"container {name!r} does not run: it is {shown['State']['Status']}")
        own_name: str = shown["Name"].removeprefix("/")
        if _is_ours(own_name, shown["Config"]["Labels"] or {}):
            return own_name
        container_id: str = shown["Id"]
        if len(name) < SHORT_ID or not container_id.startswith(name):
            raise SandboxGone(f"container {name!r} is attached by its id only, at least {SHORT_ID} digits of it")
        self._attached.add(container_id)
        return container_id

    async def found(self) -> list[Found]:
        """Running or not; their sizes not every time, where that would take long."""
        clock = asyncio.get_running_loop().time
        begun_s, sized = clock(), clock() >= self._sizes_due_s
        question = {"all": "1", "size": str(int(sized)), "filters": json.dumps({"label": [OWNER, SANDBOX]})}
        listed = await self._engine.ask(lambda docker: docker.containers.list(**question), again=True)
        if sized:
            self._sizes_due_s = clock() + (clock() - begun_s) / SIZES_SHARE
        return [
            Found(name, one["Labels"], _written_bytes(one) if sized else None)
            for name, one in ((one["Names"][0].removeprefix("/"), one) for one in listed)
            if _is_ours(name, one["Labels"])
        ]

    async def images(self) -> dict[str, int]:
        """By the names that they were asked for."""
        return await self._images.pulled()

    async def remove_image(self, image: str) -> bool:
        """One that was not pulled for sandboxes stays, and is no concern of ours."""
        return await self._images.remove(image)

    async def close(self) -> None:
        """Once no command is being killed any more."""
        await self._commands.close()
        await self._engine.close()

    async def _create(self, name: str, settings: dict[str, Any]) -> None:
        await self._engine.ask(lambda docker: docker.containers.create(settings, name=name))

    async def _set_up(self, sandbox_id: str, request: SandboxRequest) -> None:
        output = await self._commands.run(sandbox_id, Command(request.setup))
        if output.exit_code:
            tail = output.text.strip()[-TAIL_CHARACTERS:]
            raise SandboxProblem(f"its setup ended with exit code {output.exit_code}: {tail}")


def _settings(request: SandboxRequest, labels: Labels) -> dict[str, Any]:
    """In the words of the API."""
    host: dict[str, Any] = {"Memory": request.memory_bytes}
    if not request.network:
        host["NetworkMode"] = "none"
    return {
        "Image": request.image,
        "Entrypoint": IDLE,
        "Cmd": [],
        "Labels": dict(labels),
        "Env": [f"{name}={value}" for name, value in request.environment.items()],
        "WorkingDir": request.workdir,
        "StopSignal": "SIGKILL",  # nothing is to be waited for
        "HostConfig": host,
    }


def _is_ours(name: str, labels: Labels) -> bool:
    """Containers of an image that was made of a sandbox inherit its labels, but not its name."""
    return bool(labels.get(OWNER)) and labels.get(SANDBOX) == name


def _written_bytes(listed: DockerContainer) -> int:
    """None is left out of the answer."""
    return int(listed["SizeRw"]) if "SizeRw" in listed else 0
