"""What the core wants done with sandboxes, done by the backend: a task each, and the answer as an event."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from thunderagent.core.resources import events
from thunderagent.core.resources.events import ResourceEvent
from thunderagent.core.resources.sandbox import Spec
from thunderagent.errors import SandboxProblem
from thunderagent.runtime.tools.backend import Labels, SandboxBackend, SandboxRequest

logger = logging.getLogger(__name__)
REMOVE_TIMEOUT_S = 60.0
"""Of one removal: a container engine under load takes some ten seconds; one that hangs is asked again."""


class CarryingOut:
    """Every task tells what came of it, whatever that is."""

    def __init__(self, backend: SandboxBackend, send: Callable[[ResourceEvent], None], prepare_timeout_s: float) -> None:
        """``send`` takes the answers."""
        self._backend, self._send, self._prepare_timeout_s = backend, send, prepare_timeout_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._preparations: set[asyncio.Task[None]] = set()
        """Of these."""
        self._giving_up = False

    def prepare(self, sandbox_id: str, spec: Spec, labels: Labels) -> None:
        """Make one."""
        task = self._start(self._prepare(sandbox_id, spec, labels))
        self._preparations.add(task)
        task.add_done_callback(self._preparations.discard)

    def remove(self, sandbox_id: str) -> None:
        """Have nothing left of it."""
        self._start(self._remove(sandbox_id))

    def remove_image(self, image: str) -> None:
        """Free its disk."""
        self._start(self._remove_image(image))

    def clear_up(self, sandbox_id: str) -> None:
        """Remove one that the core knows nothing of."""
        self._start(self._clear_up(sandbox_id))

    def give_up_preparations(self) -> None:
        """Nobody waits for them any more: they fail now."""
        self._giving_up = True
        for task in self._preparations:
            task.cancel()

    async def cancel(self) -> None:
        """What has not come to an end is left as it is."""
        self._giving_up = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _prepare(self, sandbox_id: str, spec: Spec, labels: Labels) -> None:
        timeout_s = self._prepare_timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                made = await self._backend.prepare(sandbox_id, SandboxRequest.of(spec), labels)
        except asyncio.CancelledError:
            if not self._giving_up:
                raise
            problem = SandboxProblem("the owner of the sandboxes is shutting down", permanent=True)
        except TimeoutError:
            problem = SandboxProblem(f"it was not ready after {timeout_s:g} s")
        except SandboxProblem as error:
            problem = error
        except Exception:
            logger.exception("preparing sandbox %s failed", sandbox_id)
            problem = SandboxProblem(f"{self._backend.name} failed unexpectedly; the log says why")
        else:
            self._send(events.Prepared(sandbox_id, made.disk_bytes, made.image_bytes))
            return
        await self._clear_up(sandbox_id)
        self._send(events.PreparationFailed(sandbox_id, str(problem), problem.permanent))

    async def _remove(self, sandbox_id: str) -> None:
        problem = await self._try_to_remove(sandbox_id)
        self._send(events.Released(sandbox_id) if problem is None else events.ReleaseFailed(sandbox_id, problem))

    async def _clear_up(self, sandbox_id: str) -> None:
        """What cannot be removed now is found by a later sweep, as nobody knows of it."""
        problem = await self._try_to_remove(sandbox_id)
        if problem is not None:
            logger.warning("sandbox %s could not be removed: %s", sandbox_id, problem)

    async def _try_to_remove(self, sandbox_id: str) -> str | None:
        try:
            async with asyncio.timeout(REMOVE_TIMEOUT_S):
                await self._backend.remove(sandbox_id)
        except TimeoutError:
            return f"it was not gone after {REMOVE_TIMEOUT_S:g} s"
        except SandboxProblem as problem:
            return str(problem)
        except Exception:
            logger.exception("removing sandbox %s failed", sandbox_id)
            return "the removal failed unexpectedly"
        return None

    async def _remove_image(self, image: str) -> None:
        removed = False
        try:
            async with asyncio.timeout(REMOVE_TIMEOUT_S):
                removed = await self._backend.remove_image(image)
        except (TimeoutError, SandboxProblem) as problem:
            logger.warning("image %s could not be removed: %s", image, problem)
        except Exception:
            logger.exception("removing image %s failed", image)
        self._send(events.ImageRemoved(image, removed))
