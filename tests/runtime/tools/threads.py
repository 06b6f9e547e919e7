"""A host of sandboxes in a thread of its own, as long as a test needs it, and sandboxes that are there at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from thunderagent.core import DefaultPolicy
from thunderagent.runtime import Runtime
from thunderagent.runtime.tools import (
    Command,
    Found,
    Labels,
    Made,
    Output,
    SandboxBackend,
    SandboxRequest,
    ToolHost,
    ToolSettings,
    ToolThread,
)
from thunderagent.runtime.tools.backend import PROGRAM

NEVER = "never"
"""The image of sandboxes that are never ready, and the command that never ends."""
PATIENCE_S = 20.0


@contextmanager
def living(backend: SandboxBackend, *, runtime: Runtime | None = None, **host: Any) -> Iterator[ToolThread]:
    """Told of the programs of ``runtime``; ``host``: arguments of ``ToolHost``."""
    settings = ToolSettings(close_timeout_s=0.2)  # what is never ready is not waited for
    owner_id = f"test-{uuid4().hex[:8]}"  # sweeps of one host leave the others alone
    thread = ToolThread(ToolHost(backend, owner_id, **{"settings": settings, **host}), runtime or Runtime(DefaultPolicy()))
    thread.start()
    try:
        yield thread
    finally:
        thread.stop()


class InstantBackend:
    """The output of a command is the command. ``on_prepare`` and ``on_command`` are called on the host's loop."""

    name = "instant"

    def __init__(self, on_prepare: Callable[[], object] = lambda: None, on_command: Callable[[], object] = lambda: None) -> None:
        self.existing: dict[str, Labels] = {}
        self.order: list[str] = []
        """Programs, as their sandboxes were prepared."""
        self.given_up = threading.Event()
        """What would never have ended was cancelled."""
        self.closed = False
        self._on_prepare, self._on_command = on_prepare, on_command

    async def prepare(self, sandbox_id: str, request: SandboxRequest, labels: Labels) -> Made:
        self.existing[sandbox_id] = labels
        self.order.append(labels[PROGRAM])
        self._on_prepare()
        await self._take_time(request.image)
        return Made()

    async def execute(self, sandbox_id: str, request: SandboxRequest, command: Command) -> Output:
        self._on_command()
        await self._take_time(command.line)
        return Output(f"{command.line}\n", 0)

    async def remove(self, sandbox_id: str) -> None:
        self.existing.pop(sandbox_id, None)

    async def attach(self, name: str) -> str:
        return name

    async def found(self) -> list[Found]:
        return [Found(sandbox_id, labels) for sandbox_id, labels in self.existing.items()]

    async def images(self) -> dict[str, int]:
        return {}

    async def remove_image(self, image: str) -> bool:
        return False

    async def close(self) -> None:
        self.closed = True

    async def _take_time(self, what: str) -> None:
        if what == NEVER:
            try:
                await asyncio.Event().wait()
            finally:
                self.given_up.set()
