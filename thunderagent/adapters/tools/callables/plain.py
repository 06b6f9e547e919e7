"""A backend out of three functions of the user's: create, execute, remove."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from thunderagent.adapters.tools.callables.calls import Calls
from thunderagent.adapters.tools.clipped import Clipped
from thunderagent.errors import SandboxError, SandboxGone, SandboxProblem
from thunderagent.runtime.tools import Command, Found, Labels, Made, Output, SandboxRequest
from thunderagent.runtime.tools.backend import SANDBOX

GRACE_S = 5.0
"""For user code that ends commands in time itself, and can then tell what they wrote."""


@dataclass(slots=True)
class _Sandbox:
    labels: Labels
    creation: asyncio.Future[Any]
    """Its handle, as soon as it is there."""


class PlainBackend:
    """What the user's functions need not know: names, set-up, working directories, time limits, creations that come too late.

    ``list()``, where the user has it, tells what exists, whoever has made it. Without it only what this process has made is
    known: what it leaves when it is killed, nobody removes.
    """

    name = "callable"

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._sandboxes: dict[str, _Sandbox] = {}

    async def prepare(self, sandbox_id: str, request: SandboxRequest, labels: Labels) -> Made:
        """``create(request, labels)``, then the request's setup as a command.

        A creation is never cancelled, as nobody could tell what that leaves: it comes to its end, and ``remove`` waits for that.
        """
        creation = asyncio.ensure_future(self._calls.call("create", request, labels))
        self._sandboxes[sandbox_id] = _Sandbox(labels, creation)
        try:
            await asyncio.shield(creation)
        except SandboxError:
            del self._sandboxes[sandbox_id]
            raise
        if request.setup:
            output = await self.execute(sandbox_id, request, Command(request.setup))
            if output.exit_code:
                raise SandboxProblem(f"its setup ended with exit code {output.exit_code}: {output.text.strip()[-500:]}")
        return Made(image_bytes=0 if request.image else None)

    async def execute(self, sandbox_id: str, request: SandboxRequest, command: Command) -> Output:
        """``execute(handle, command)``; in the command is what the request says of its place and environment."""
        sandbox = self._sandboxes.get(sandbox_id)
        if sandbox is None:
            raise SandboxGone(f"sandbox {sandbox_id!r} is not there any more")
        environment = {**request.environment, **command.environment}
        command = replace(command, workdir=command.workdir or request.workdir, environment=environment)
        timeout_s = None if command.timeout_s is None else command.timeout_s + GRACE_S
        try:
            async with asyncio.timeout(timeout_s):
                output = await self._calls.want(Output, "execute", await asyncio.shield(sandbox.creation), command)
        except TimeoutError:
            return Output("", None)
        written = Clipped()
        written.add(output.text.encode(errors="replace"))
        return replace(output, text=written.text, truncated=True) if written.truncated else output

    async def remove(self, sandbox_id: str) -> None:
        """``remove(handle)``, once there is one."""
        sandbox = self._sandboxes.get(sandbox_id)
        if sandbox is None:
            return
        await asyncio.wait([sandbox.creation])
        if sandbox.creation.exception() is None:
            await self._calls.call("remove", sandbox.creation.result())
        self._sandboxes.pop(sandbox_id, None)

    async def attach(self, name: str) -> str:
        """There is nothing to attach."""
        raise SandboxGone(f"there is no container {name!r}: sandboxes of your own code cannot be attached")

    async def found(self) -> list[Found]:
        """``list()``: pairs of handle and labels; without it, what this process has made."""
        if not self._calls.has("list"):
            return [Found(sandbox_id, sandbox.labels) for sandbox_id, sandbox in self._sandboxes.items()]
        found = []
        for handle, labels in _pairs(await self._calls.call("list")):
            sandbox_id = labels.get(SANDBOX, "")
            if sandbox_id:
                found.append(Found(sandbox_id, labels))
                self._sandboxes.setdefault(sandbox_id, _Sandbox(labels, _done(handle)))
        return found

    async def images(self) -> dict[str, int]:
        """They are the user's."""
        return {}

    async def remove_image(self, image: str) -> bool:
        """Never."""
        return False

    async def close(self) -> None:
        """``close()``, if there is one."""
        if self._calls.has("close"):
            await self._calls.call("close")


def _pairs(listed: object) -> Iterator[tuple[Any, Labels]]:
    for pair in listed if isinstance(listed, Iterable) else [listed]:
        if not (isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[1], Mapping)):
            raise SandboxProblem("list() must give pairs of handle and labels")
        yield pair


def _done(handle: object) -> asyncio.Future[Any]:
    done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    done.set_result(handle)
    return done
