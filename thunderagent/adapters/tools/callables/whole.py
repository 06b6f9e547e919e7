"""A backend of the user's own that has all methods."""

from __future__ import annotations

from thunderagent.adapters.tools.callables.calls import Calls
from thunderagent.runtime.tools import Command, Found, Labels, Made, Output, SandboxRequest


class WholeBackend:
    """Each method is the user's, and gives what it must or a ``SandboxError``."""

    name = "callable"

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def prepare(self, sandbox_id: str, request: SandboxRequest, labels: Labels) -> Made:
        """As ``SandboxBackend``, like all below."""
        return await self._calls.want(Made, "prepare", sandbox_id, request, labels)

    async def execute(self, sandbox_id: str, request: SandboxRequest, command: Command) -> Output:
        return await self._calls.want(Output, "execute", sandbox_id, request, command)

    async def remove(self, sandbox_id: str) -> None:
        await self._calls.call("remove", sandbox_id)

    async def attach(self, name: str) -> str:
        return await self._calls.want(str, "attach", name)

    async def found(self) -> list[Found]:
        return list(await self._calls.want(list, "found"))

    async def images(self) -> dict[str, int]:
        return dict(await self._calls.want(dict, "images"))

    async def remove_image(self, image: str) -> bool:
        return await self._calls.want(bool, "remove_image", image)

    async def close(self) -> None:
        await self._calls.call("close")
