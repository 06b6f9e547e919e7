"""What a program asks for, whoever carries it out: a gateway over HTTP, or the host of sandboxes in the same process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypedDict

from thunderagent.runtime.tools import Command, HeldSandbox, Output, SandboxRequest, SandboxView


class Wanted(TypedDict, total=False):
    """What kind of sandbox (``SandboxRequest``). What is left out is as in the default of the gateway, or of the host."""

    image: str
    setup: str
    workdir: str
    environment: Mapping[str, str]
    memory_bytes: int
    disk_bytes: int
    network: bool
    reusable: bool


def checked(wanted: Wanted) -> Wanted:
    """The same.

    Raises:
        TypeError: it has a field that there is not.
    """
    SandboxRequest(**wanted)
    return wanted


class Tools(Protocol):
    """Of one program. All raise ``SandboxError``."""

    async def prepare(self, wanted: Wanted) -> None:
        """One like this will be asked for."""
        ...

    async def acquire(self, wanted: Wanted) -> HeldSandbox:
        """One, once it is ready."""
        ...

    async def attach(self, name: str) -> str:
        """A container that somebody else has made: the id of its sandbox."""
        ...

    async def execute(self, sandbox_id: str, command: Command) -> Output:
        """Run a command in a sandbox of the program's."""
        ...

    async def give_back(self, sandbox_id: str) -> None:
        """The program is done with it."""
        ...

    async def lease_port(self) -> int:
        """A port until the program is over."""
        ...

    async def sandboxes(self) -> list[SandboxView]:
        """What the program has and will have."""
        ...

    async def release(self) -> None:
        """The program is over."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
