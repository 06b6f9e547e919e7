"""Now and then: what there really is, compared with what should be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from thunderagent.core.resources import Status, events
from thunderagent.errors import SandboxGone, SandboxProblem
from thunderagent.runtime.tools.backend import OWNER, Found, SandboxBackend
from thunderagent.runtime.tools.reactor import Reactor
from thunderagent.runtime.tools.reclaim import reclaim

logger = logging.getLogger(__name__)
SETTLED = frozenset({Status.READY, Status.IN_USE, Status.IDLE})
"""Nothing is on its way to or from these: whoever is not there has vanished."""


class Sweeping(Protocol):
    """What a sweep needs of the host."""

    @property
    def backend(self) -> SandboxBackend: ...
    @property
    def reactor(self) -> Reactor: ...
    @property
    def sweep_s(self) -> float: ...
    def vanished(self, sandbox_id: str) -> None: ...
    def expire_programs(self) -> None: ...


class Sweeper:
    """A backend that does not answer is asked again with the next sweep."""

    def __init__(self, host: Sweeping, is_dead: Callable[[str], bool]) -> None:
        """``is_dead``: whether an owner has ended, so that what it has left can go."""
        self._host, self._is_dead = host, is_dead
        self._taken_over = False
        """Whether what dead owners have left is gone."""
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """The first one at once."""
        await self._look_for_attached()
        await self.sweep()
        self._task = asyncio.get_running_loop().create_task(self._sweep_for_ever())

    def stop(self) -> None:
        """No more of them."""
        if self._task is not None:
            self._task.cancel()

    async def sweep(self) -> None:
        """What vanished, what nobody knows of, how much disk it takes. O(sandboxes)."""
        host = self._host
        host.expire_programs()
        before = [s.id for s in host.reactor.pool.sandboxes.values() if s.status in SETTLED and not s.foreign]
        try:
            if not self._taken_over:
                await self._take_over()
            mine = {one.sandbox_id: one for one in await host.backend.found() if one.labels.get(OWNER) == host.reactor.owner_id}
        except SandboxProblem as problem:
            logger.warning("sandboxes cannot be looked after: %s", problem)
            return
        vanished = [sandbox_id for sandbox_id in before if sandbox_id not in mine]
        for sandbox_id in vanished:
            host.vanished(sandbox_id)
        if vanished:
            logger.warning("%d sandboxes are not there any more, such as %s", len(vanished), vanished[0])
        for one in mine.values():
            self._compare(one)

    def _compare(self, one: Found) -> None:
        sandbox = self._host.reactor.pool.sandboxes.get(one.sandbox_id)
        if sandbox is None or sandbox.status is Status.WANTED:
            self._host.reactor.clear_up(one.sandbox_id)
        elif one.disk_bytes is not None and one.disk_bytes != sandbox.disk_bytes:
            self._host.reactor.send(events.DiskSeen(one.sandbox_id, one.disk_bytes))

    async def _take_over(self) -> None:
        gone, left = await reclaim(self._host.backend, self._is_dead)
        for one in gone:
            logger.info("removed %s, whose owner %s is dead", one.sandbox_id, one.labels.get(OWNER))
        for one, problem in left:
            logger.warning("%s, whose owner %s is dead, could not be removed: %s", one.sandbox_id, one.labels.get(OWNER), problem)
        for image, disk_bytes in (await self._host.backend.images()).items():
            self._host.reactor.send(events.ImageSeen(image, disk_bytes))
        self._taken_over = not left

    async def _look_for_attached(self) -> None:
        """Whether what others have made, and no sweep tells of, is there still."""
        for sandbox_id in [one.id for one in self._host.reactor.pool.sandboxes.values() if one.foreign]:
            try:
                await self._host.backend.attach(sandbox_id)
            except SandboxGone as gone:
                logger.warning("%s", gone)
                self._host.vanished(sandbox_id)
            except SandboxProblem as problem:
                logger.warning("attached containers cannot be looked at: %s", problem)
                return

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._host.sweep_s)
            try:
                await self.sweep()
            except Exception:
                logger.exception("looking after sandboxes failed")
