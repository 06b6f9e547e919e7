"""A backend of somebody's own, whose only sandbox does not go."""

from __future__ import annotations

from tests.memory_sandboxes import MemorySandboxes
from thunderagent.errors import SandboxProblem
from thunderagent.runtime.tools import Found


class Stubborn(MemorySandboxes):
    async def found(self) -> list[Found]:
        from tests.cli.test_tools import dead_owner

        return [Found("stuck", {"thunderagent.owner": dead_owner()})]

    async def remove(self, sandbox_id: str) -> None:
        raise SandboxProblem("the device is busy")
