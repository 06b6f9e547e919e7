"""An owner of sandboxes whose container engine fails now and then: ``owner URL NAME COUNT [for-ever]``.

Tells how many containers it has made and how many failures there were, a line each time.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import sys
from typing import Any, cast

from benchmarks.tools.containers import IMAGE
from thunderagent.adapters.tools import open_tools
from thunderagent.errors import SandboxError, SandboxProblem, SandboxRefused
from thunderagent.runtime.tools import Command, Labels, Made, SandboxBackend, SandboxRequest, ToolHost
from thunderagent.tools_config import ToolsConfig

FAILING_SHARE = 0.1
AT_ONCE = 16
"""Programs."""


class Failing:
    """A backend of which one call in ten fails: before anything is done, or with everything done and the answer lost."""

    def __init__(self, inner: SandboxBackend, seed: str) -> None:
        self._inner, self._random = inner, random.Random(seed)
        self.made = self.failed = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def prepare(self, sandbox_id: str, request: SandboxRequest, labels: Labels) -> Made:
        """Counted once it is there."""
        fails, late = self._draw()
        if fails and not late:
            raise SandboxProblem("injected: it was not made")
        made = await self._inner.prepare(sandbox_id, request, labels)
        self.made += 1
        print(self.made, self.failed, flush=True)
        if fails:
            raise SandboxProblem("injected: it was made, and the answer was lost")
        return made

    async def remove(self, sandbox_id: str) -> None:
        """The same."""
        fails, late = self._draw()
        if fails and not late:
            raise SandboxProblem("injected: it was not removed")
        await self._inner.remove(sandbox_id)
        if fails:
            raise SandboxProblem("injected: it was removed, and the answer was lost")

    def _draw(self) -> tuple[bool, bool]:
        fails = self._random.random() < FAILING_SHARE
        self.failed += fails
        return fails, self._random.random() < 0.5


async def own(url: str, name: str, count: int, for_ever: bool) -> None:
    """Programs come and go until there were so many containers."""
    config = ToolsConfig(backend="docker", docker_url=url)
    tools: ToolHost = open_tools(config, wrap=lambda backend: cast(SandboxBackend, Failing(backend, name)))
    failing = cast(Failing, tools.backend)
    await tools.start()
    numbers = itertools.count()

    async def programs() -> None:
        while for_ever or failing.made < count:
            program_id = f"{name}-{next(numbers)}"
            try:
                sandbox = await tools.acquire(program_id, SandboxRequest(image=IMAGE))
                await tools.execute(program_id, sandbox.id, Command("true"))
            except SandboxRefused as refusal:
                await asyncio.sleep(refusal.retry_after_s or 1.0)
            except SandboxError as problem:
                print(problem, file=sys.stderr)
            tools.program_over(program_id)

    await asyncio.gather(*(programs() for _ in range(AT_ONCE)))
    await tools.close()


if __name__ == "__main__":
    asyncio.run(own(sys.argv[1], sys.argv[2], int(sys.argv[3]), len(sys.argv) > 4))
