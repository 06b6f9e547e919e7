"""Sandboxes that are nothing but notes, for tests of what is said about them: real ones are used where they matter."""

from __future__ import annotations

import asyncio

from thunderagent.errors import SandboxGone, SandboxProblem
from thunderagent.runtime.tools import Command, Found, Labels, Made, Output, SandboxRequest


class MemorySandboxes:
    """A backend. Its ``containers`` can be attached; images called ``missing`` are not there."""

    name = "docker"

    def __init__(self, *containers: str) -> None:
        self.containers = set(containers)
        """What others have made."""
        self.made: dict[str, SandboxRequest] = {}
        self.commands: list[tuple[str, Command]] = []
        self.asked: list[str] = []
        """Names that were to be attached."""
        self.problem: SandboxProblem | None = None
        """Of every call, from now on."""
        self.gate = asyncio.Event()
        """Preparations and commands wait for it."""
        self.gate.set()
        self.given_up = 0
        """Commands that were cancelled."""

    async def prepare(self, sandbox_id: str, request: SandboxRequest, labels: Labels) -> Made:
        await self.gate.wait()
        self._check()
        if request.image == "missing":
            raise SandboxProblem("no such image: missing", permanent=True)
        self.made[sandbox_id] = request
        return Made(disk_bytes=100)

    async def execute(self, sandbox_id: str, request: SandboxRequest, command: Command) -> Output:
        self.commands.append((sandbox_id, command))
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        self._check()
        if sandbox_id not in self.made and sandbox_id not in self.containers:
            raise SandboxGone(f"container {sandbox_id!r} is not there any more")
        return Output(f"did {command.line}", 0)

    async def remove(self, sandbox_id: str) -> None:
        self.made.pop(sandbox_id, None)
        self.containers.discard(sandbox_id)

    async def attach(self, name: str) -> str:
        self.asked.append(name)
        self._check()
        if name not in self.containers:
            raise SandboxGone(f"there is no container {name!r}")
        return name

    async def found(self) -> list[Found]:
        self._check()
        return [Found(sandbox_id, {}) for sandbox_id in self.made]

    async def images(self) -> dict[str, int]:
        return {}

    async def remove_image(self, image: str) -> bool:
        return True

    async def close(self) -> None: ...

    def _check(self) -> None:
        if self.problem is not None:
            raise self.problem
