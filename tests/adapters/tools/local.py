"""Sandboxes in bubblewrap, for tests."""

from __future__ import annotations

import asyncio
import os
import select
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from thunderagent.adapters.tools.bubblewrap import BubblewrapBackend, why_not
from thunderagent.runtime.tools import Command, Output, SandboxRequest

T = TypeVar("T")
needs_bubblewrap = pytest.mark.skipif(bool(why_not()), reason=why_not())
DEATH_S = 10.0
"""By when processes that were killed are gone, on a machine under load."""


class Sandbox:
    """One of them, in a folder of the test's own."""

    def __init__(self, root: Path, request: SandboxRequest | None = None) -> None:
        self.backend = BubblewrapBackend(str(root))
        self.request = request or SandboxRequest()
        self.tree = root / "box" / "tree"

    async def prepare(self) -> None:
        await self.backend.prepare("box", self.request, {"thunderagent.owner": "me"})

    async def run(self, line: str, **options: object) -> Output:
        return await self.backend.execute("box", self.request, Command(line, **options))  # type: ignore[arg-type]


def in_sandbox(root: Path, scenario: Callable[[Sandbox], Awaitable[T]], request: SandboxRequest | None = None) -> T:
    """What comes of it in a sandbox that has been prepared."""

    async def prepared() -> T:
        sandbox = Sandbox(root, request)
        await sandbox.prepare()
        return await scenario(sandbox)

    return asyncio.run(prepared())


def output_of(root: Path, line: str, request: SandboxRequest | None = None, **options: object) -> Output:
    """Of one command."""
    return in_sandbox(root, lambda sandbox: sandbox.run(line, **options), request)


class Alive:
    """A FIFO that processes in a sandbox hold open: it ends when they all have."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def began(self) -> None:
        """Wait until one of them has written to it."""
        assert select.select([self._fd], [], [], DEATH_S)[0]
        assert os.read(self._fd, 100)

    def ended(self) -> bool:
        """Wait until none of them is left."""
        return bool(select.select([self._fd], [], [], DEATH_S)[0]) and os.read(self._fd, 1) == b""
