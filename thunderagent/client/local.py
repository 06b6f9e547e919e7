"""Tools of a program in the process that has the sandboxes."""

from __future__ import annotations

from thunderagent.client.tools import Wanted
from thunderagent.runtime import Runtime
from thunderagent.runtime.tools import Command, HeldSandbox, Output, SandboxView, ToolHost


class LocalTools:
    """One program of one host (``thunderagent.client.tools.Tools``), on the host's loop."""

    def __init__(self, program_id: str, host: ToolHost, runtime: Runtime | None = None) -> None:
        """``runtime``: where the program has its turns; None: it has none."""
        self.program_id, self._host, self._runtime = program_id, host, runtime

    async def prepare(self, wanted: Wanted) -> None:
        """See ``Tools``, as for all."""
        self._host.prepare(self.program_id, self._host.request_of(wanted))

    async def acquire(self, wanted: Wanted) -> HeldSandbox:
        return await self._host.acquire(self.program_id, self._host.request_of(wanted))

    async def attach(self, name: str) -> str:
        return await self._host.attach(self.program_id, name)

    async def execute(self, sandbox_id: str, command: Command) -> Output:
        return await self._host.execute(self.program_id, sandbox_id, command)

    async def give_back(self, sandbox_id: str) -> None:
        self._host.give_back(self.program_id, sandbox_id)

    async def lease_port(self) -> int:
        return await self._host.lease_port(self.program_id)

    async def sandboxes(self) -> list[SandboxView]:
        return self._host.of_program(self.program_id)

    async def release(self) -> None:
        if self._runtime is not None:
            self._runtime.release(self.program_id)  # which tells the host
        else:
            self._host.program_over(self.program_id)

    async def close(self) -> None: ...
