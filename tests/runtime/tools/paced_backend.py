"""A backend without sandboxes, for what the host does: everything takes the time that a test says, and fails when it says so.

The real ones are tested in tests/adapters/tools, with this host too.
"""

from __future__ import annotations

import asyncio

from thunderagent.errors import SandboxGone, SandboxProblem
from thunderagent.runtime.tools import Command, Found, Labels, Made, Output, SandboxRequest
from thunderagent.runtime.tools.backend import OWNER


class PacedBackend:
    name = "paced"

    def __init__(self, *, prepare_s: float = 1.0, command_s: float = 0.1, remove_s: float = 0.1) -> None:
        self.prepare_s, self.command_s, self.remove_s = prepare_s, command_s, remove_s
        self.existing: dict[str, Labels] = {}
        self.disk_bytes: dict[str, int] = {}
        self.foreign: set[str] = set()
        """Containers that somebody else runs."""
        self.fetched: dict[str, int] = {}
        self.image_bytes: dict[str, int] = {}
        """Of images that are there to be fetched."""
        self.order: list[str] = []
        """Programs whose preparations began."""
        self.failures: list[Exception] = []
        """Of the next preparations."""
        self.remove_failures: list[Exception] = []
        self.found_failures: list[Exception] = []
        self.image_failures: list[Exception] = []
        self.attach_failures: list[Exception] = []
        self.down = False
        self.closed = False

    async def prepare(self, sandbox_id: str, request: SandboxRequest, labels: Labels) -> Made:
        self.existing[sandbox_id] = labels
        self.order.append(labels["thunderagent.program"])
        await asyncio.sleep(self.prepare_s)
        if self.failures:
            raise self.failures.pop(0)
        size = self.image_bytes.get(request.image)
        if size is not None:
            self.fetched[request.image] = size
        return Made(0, size)

    async def execute(self, sandbox_id: str, request: SandboxRequest, command: Command) -> Output:
        await asyncio.sleep(self.command_s)
        if sandbox_id not in self.existing and sandbox_id not in self.foreign:
            raise SandboxGone(f"{sandbox_id} is gone")
        return Output(f"{request.image}: {command.line}", 0)

    async def remove(self, sandbox_id: str) -> None:
        await asyncio.sleep(self.remove_s)
        if self.remove_failures:
            raise self.remove_failures.pop(0)
        self.existing.pop(sandbox_id, None)
        self.foreign.discard(sandbox_id)

    async def attach(self, name: str) -> str:
        await asyncio.sleep(0.1)
        if self.attach_failures:
            raise self.attach_failures.pop(0)
        matching = [container for container in self.foreign if container.startswith(name)]
        if not matching:
            raise SandboxGone(f"there is no container {name!r}")
        return matching[0]

    async def found(self) -> list[Found]:
        if self.found_failures:
            raise self.found_failures.pop(0)
        if self.down:
            raise SandboxProblem("the backend does not answer")
        return [Found(name, labels, self.disk_bytes.get(name)) for name, labels in self.existing.items() if OWNER in labels]

    async def images(self) -> dict[str, int]:
        return dict(self.fetched)

    async def remove_image(self, image: str) -> bool:
        if self.image_failures:
            raise self.image_failures.pop(0)
        return self.fetched.pop(image, None) is not None

    async def close(self) -> None:
        self.closed = True
