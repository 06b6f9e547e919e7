"""Sandboxes whose owner is dead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from thunderagent.errors import SandboxProblem
from thunderagent.runtime.tools.backend import OWNER, Found, SandboxBackend

AT_ONCE = 8
"""Removals: as many as preparations."""


async def reclaim(backend: SandboxBackend, is_dead: Callable[[str], bool]) -> tuple[list[Found], list[tuple[Found, str]]]:
    """Remove what dead owners have left: what is gone, and what could not be removed, with the reason.

    ``is_dead``: whether the process with this owner id has ended; False where that cannot be seen from here.

    Raises:
        SandboxProblem: the backend cannot be asked.
    """
    gate, gone, left = asyncio.Semaphore(AT_ONCE), list[Found](), list[tuple[Found, str]]()

    async def remove(found: Found) -> None:
        async with gate:
            try:
                await backend.remove(found.sandbox_id)
                gone.append(found)
            except SandboxProblem as problem:
                left.append((found, str(problem)))

    orphans = [found for found in await backend.found() if is_dead(found.labels.get(OWNER, ""))]
    async with asyncio.TaskGroup() as group:
        for found in orphans:
            group.create_task(remove(found))
    return gone, left
