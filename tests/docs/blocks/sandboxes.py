"""Sandboxes for pages that name images of containers: bubblewrap, whatever the image."""

from __future__ import annotations

import uuid
from dataclasses import replace

from thunderagent.adapters.tools.bubblewrap import BubblewrapBackend
from thunderagent.runtime.tools import Command, Labels, Output, SandboxRequest

Handle = tuple[str, SandboxRequest]


class AnyImage:
    """What a user's own code would be (``serve --tools module:name``); below the folder in which the gateway was started."""

    def __init__(self) -> None:
        self._bubblewrap = BubblewrapBackend("sandboxes")

    async def create(self, request: SandboxRequest, labels: Labels) -> Handle:
        handle = (uuid.uuid4().hex, replace(request, image=""))
        await self._bubblewrap.prepare(*handle, labels)
        return handle

    async def execute(self, handle: Handle, command: Command) -> Output:
        return await self._bubblewrap.execute(*handle, command)

    async def remove(self, handle: Handle) -> None:
        await self._bubblewrap.remove(handle[0])
