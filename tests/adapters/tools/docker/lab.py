"""A backend on the real engine, and what a test makes with it."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import Awaitable, Callable

from tests.containers import Containers
from thunderagent.adapters.tools.docker import DockerBackend
from thunderagent.runtime.tools import Command, Labels, Made, Output, SandboxRequest
from thunderagent.runtime.tools.backend import OWNER, PROGRAM, SANDBOX


class Lab:
    """Its containers have names of their own, by which they are removed at the end."""

    def __init__(self, containers: Containers) -> None:
        self.containers, self.url = containers, containers.url
        self.prefix = f"test-{uuid.uuid4().hex[:8]}"
        self.images: list[str] = []
        """To be removed at the end."""
        self._numbers = itertools.count(1)
        self.backend: DockerBackend

    def run(self, scenario: Callable[[], Awaitable[None]]) -> None:
        """With ``backend`` on a loop of its own."""

        async def with_backend() -> None:
            self.backend = DockerBackend(self.url)
            try:
                await scenario()
            finally:
                await self.backend.close()

        asyncio.run(with_backend())

    def clear_up(self) -> None:
        """Nothing of the test stays."""
        for name in self.containers.names(f"name=^{self.prefix}"):
            self.containers.podman("rm", "--force", "--time=0", "--ignore", name)
        for image in self.images:
            self.containers.podman("rmi", "--ignore", image)

    def image_of(self, container: str) -> str:
        """An image made of it."""
        self.images.append(f"localhost/{self.prefix}:{len(self.images)}")
        self.containers.podman("commit", "--quiet", container, self.images[-1])
        return self.images[-1]

    def name(self) -> str:
        """For a container."""
        return f"{self.prefix}-{next(self._numbers)}"

    def labels(self, name: str) -> Labels:
        """Of one of ours."""
        return {OWNER: self.prefix, PROGRAM: "program", SANDBOX: name}

    def request(self, **more: object) -> SandboxRequest:
        """Of the image that is there."""
        return SandboxRequest(**{"image": self.containers.image, **more})  # type: ignore[arg-type]

    async def make(self, name: str, request: SandboxRequest | None = None) -> Made:
        """As the host does it."""
        return await self.backend.prepare(name, request or self.request(), self.labels(name))

    async def made(self, **more: object) -> str:
        """The name of a new one."""
        name = self.name()
        await self.make(name, self.request(**more))
        return name

    async def sh(self, name: str, line: str, timeout_s: float | None = None) -> Output:
        """A command in it."""
        return await self.backend.execute(name, self.request(), Command(line, timeout_s=timeout_s))

    async def processes(self, name: str) -> list[str]:
        """What runs in it beside the process that keeps it."""
        listed = (await self.sh(name, "ps -o args")).text.splitlines()[1:]
        return [line for line in listed if "sleep 3600" not in line and "ps -o args" not in line]

    async def eventually(self, holds: Callable[[], Awaitable[bool]], within_s: float = 20.0) -> None:
        """Until it does."""
        async with asyncio.timeout(within_s):
            while not await holds():  # noqa: ASYNC110  (no event tells it)
                await asyncio.sleep(0.02)
