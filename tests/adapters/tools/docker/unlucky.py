"""A host of sandboxes on the real engine, a tenth of whose preparations and removals fail. As a process, it waits to be killed:

python -m tests.adapters.tools.docker.unlucky URL IMAGE        prints the name of each sandbox that it hands out
"""

from __future__ import annotations

import asyncio
import random
import sys

from thunderagent.adapters import tools
from thunderagent.errors import SandboxProblem
from thunderagent.runtime.tools import Labels, Made, SandboxBackend, SandboxProfile, SandboxRequest, ToolHost
from thunderagent.tools_config import ToolsConfig

FAILING = 0.1
PROGRAMS, EACH = 10, 3


class Unlucky:
    """Failures before and after the engine has done it."""

    def __init__(self, backend: SandboxBackend) -> None:
        self._backend, self._random = backend, random.Random(8)
        self.failures = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._backend, name)

    async def prepare(self, sandbox_id: str, request: SandboxRequest, labels: Labels) -> Made:
        self._fail()
        made = await self._backend.prepare(sandbox_id, request, labels)
        self._fail()
        return made

    async def remove(self, sandbox_id: str) -> None:
        self._fail()
        await self._backend.remove(sandbox_id)
        self._fail()

    def _fail(self) -> None:
        if self._random.random() < FAILING / 2:
            self.failures += 1
            raise SandboxProblem("this was to fail")


def open_tools(url: str, image: str) -> tuple[ToolHost, list[SandboxProfile]]:
    """As users do it, with bad luck, and what was measured."""
    measured: list[SandboxProfile] = []
    host = tools.open_tools(ToolsConfig(backend="docker", docker_url=url, image=image), measured.append)
    unlucky: SandboxBackend = Unlucky(host.backend)  # type: ignore[assignment]
    host.backend = unlucky
    host.reactor._carrying_out._backend = unlucky
    return host, measured


async def main(url: str, image: str) -> None:
    """Until it is killed."""
    host, _ = open_tools(url, image)
    await host.start()

    async def acquire(program_id: str) -> None:
        print((await host.acquire(program_id)).id, flush=True)

    async with asyncio.TaskGroup() as group:
        for program in range(PROGRAMS):
            for _ in range(EACH):
                group.create_task(acquire(f"program-{program}"))
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
