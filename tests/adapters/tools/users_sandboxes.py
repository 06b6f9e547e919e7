"""What a user may have: sandboxes of his own, here plain dictionaries."""

from __future__ import annotations

import asyncio
from typing import Any

from thunderagent.runtime.tools import Command, Found, Labels, Made, Output, SandboxRequest

existing: list[dict[str, Any]] = []
"""Somewhere in the cloud."""
gate = asyncio.Event()


class Plain:
    """Three functions, one of which is none of asyncio's."""

    async def create(self, request: SandboxRequest, labels: Labels) -> dict[str, Any]:
        await asyncio.sleep(0)
        if request.image == "bad":
            raise ValueError("no such image")
        if request.image == "slow":
            await gate.wait()
        existing.append({"image": request.image, "labels": dict(labels), "ran": []})
        return existing[-1]

    def execute(self, handle: dict[str, Any], command: Command) -> Output:
        handle["ran"].append((command.line, command.workdir, dict(command.environment)))
        return Output("x" * int(command.line) if command.line.isdigit() else command.line, 1 if command.line == "fail" else 0)

    async def remove(self, handle: dict[str, Any]) -> None:
        if handle["image"] == "stuck":
            handle["image"] = "loose"
            raise OSError("still busy")
        existing.remove(handle)


class Listing(Plain):
    def list(self) -> list[tuple[dict[str, Any], Labels]]:
        return [(handle, handle["labels"]) for handle in existing]

    closed = False

    async def close(self) -> None:
        Listing.closed = True


class WrongList(Plain):
    async def list(self) -> list[str]:
        return ["me"]


class Forgetful:
    def create(self) -> None: ...
    def remove(self) -> None: ...


class Careless(Plain):
    async def execute(self, handle: dict[str, Any], command: Command) -> Output:  # type: ignore[override]
        if command.line == "wait":
            await asyncio.sleep(1000)
        return command.line  # type: ignore[return-value]


class Whole:
    """All methods of ``SandboxBackend``."""

    async def prepare(self, sandbox_id: str, request: SandboxRequest, labels: Labels) -> Made:
        if request.image == "bad":
            raise KeyError("bad")
        return Made(7)

    async def execute(self, sandbox_id: str, request: SandboxRequest, command: Command) -> Output:
        return Output(sandbox_id, 0)

    async def remove(self, sandbox_id: str) -> None: ...

    async def attach(self, name: str) -> str:
        return name

    async def found(self) -> list[Found]:
        return [Found("a", {})]

    async def images(self) -> dict[str, int]:
        return {"image": 3}

    async def remove_image(self, image: str) -> bool:
        return True

    async def close(self) -> None: ...


def broken() -> Plain:
    raise RuntimeError("no credentials")


number = 7
