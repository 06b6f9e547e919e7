"""The core of sandboxes on an event loop: events in, effects carried out, whoever waits woken."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable

from thunderagent.core.effects import WakeAt
from thunderagent.core.resources import Budgets, Sandboxes, events
from thunderagent.core.resources.events import ResourceEffect, ResourceEvent
from thunderagent.core.resources.pool import Pool
from thunderagent.errors import SandboxRefused
from thunderagent.runtime.tools.backend import OWNER, PROGRAM, SANDBOX, SandboxBackend
from thunderagent.runtime.tools.carrying_out import CarryingOut
from thunderagent.runtime.tools.held import HeldSandbox

logger = logging.getLogger(__name__)


class Reactor:
    """All methods are to be called from one event loop."""

    def __init__(
        self,
        backend: SandboxBackend,
        owner_id: str,
        budgets: Budgets | None,
        *,
        prepare_timeout_s: float,
        clock: Callable[[], float],
    ) -> None:
        """Nothing is there yet. The arguments are those of ``ToolHost``."""
        self.owner_id, self.refused = owner_id, 0
        self._life_id = owner_id
        """In names: an owner that outlives its process makes no name twice."""
        self._changed: set[str] = set()
        self._on_change: Callable[[], None] = lambda: None
        self.waiters: dict[str, asyncio.Future[HeldSandbox]] = {}
        """By the want that somebody waits for."""
        self._clock = clock
        self._sandboxes = Sandboxes(budgets)
        self._numbers = itertools.count(1)
        self._carrying_out = CarryingOut(backend, self.send, prepare_timeout_s)
        self._timer: asyncio.TimerHandle | None = None
        self._nothing_left = asyncio.Event()

    @property
    def pool(self) -> Pool:
        """All that is known of sandboxes; to be read only."""
        return self._sandboxes.pool

    def name(self) -> str:
        """For a new sandbox, unlike all others of this container engine."""
        return f"thunderagent-{self._life_id}-{next(self._numbers)}"

    def follow_changes(self, on_change: Callable[[], None]) -> set[str]:
        """``Sandboxes.follow_changes``; ``on_change`` is called after each event that has left something in it."""
        self._changed, self._on_change = self._sandboxes.follow_changes(), on_change
        return self._changed

    def note(self, program_id: str) -> None:
        """The program has something else than before, of which the core does not know."""
        self.pool.note(program_id)
        self._tell_of_changes()

    def send(self, event: ResourceEvent) -> None:
        """It never raises: whoever tells of programs has others to tell."""
        try:
            for effect in self._sandboxes.handle(event, self._clock()):
                self._carry_out(effect)
        except Exception:
            logger.exception("sandboxes: %s could not be handled", event)
        if self.pool.closing and not self.pool.sandboxes:
            self._nothing_left.set()
        self._tell_of_changes()

    def clear_up(self, sandbox_id: str) -> None:
        """Remove one of which nobody knows."""
        self._carrying_out.clear_up(sandbox_id)

    async def close(self, timeout_s: float) -> None:
        """Have everything removed, as far as that works in time."""
        self.send(events.ShutDown())
        self._carrying_out.give_up_preparations()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._nothing_left.wait()
        if self.pool.sandboxes:
            logger.warning(
                "%d sandboxes are left; the next start, or `thunderagent tools gc --owner %s`, removes them",
                len(self.pool.sandboxes),
                self.owner_id,
            )
        if self._timer is not None:
            self._timer.cancel()
        await self._carrying_out.cancel()

    def _tell_of_changes(self) -> None:
        if self._changed:
            self._on_change()

    def _carry_out(self, effect: ResourceEffect) -> None:
        match effect:
            case events.Prepare(sandbox_id, spec):
                want = self.pool.sandboxes[sandbox_id].want
                program_id = want.program_id if want is not None else ""
                self._carrying_out.prepare(sandbox_id, spec, {OWNER: self.owner_id, PROGRAM: program_id, SANDBOX: sandbox_id})
            case events.HandOut(wanted_id, sandbox_id, program_id):
                self._hand_out(wanted_id, sandbox_id, program_id)
            case events.RefuseSandbox(wanted_id, program_id, reason, retry_after_s):
                self._refuse(wanted_id, SandboxRefused(program_id, reason, retry_after_s))
            case events.Release(sandbox_id):
                self._carrying_out.remove(sandbox_id)
            case events.RemoveImage(image):
                self._carrying_out.remove_image(image)
            case WakeAt(at_s):
                self._wake_at(at_s)

    def _hand_out(self, wanted_id: str, sandbox_id: str, program_id: str) -> None:
        want, waiter = self.pool.wants[wanted_id], self.waiters.get(wanted_id)
        if waiter is not None and not waiter.done():
            assert want.needed_s is not None, "it was asked for"
            waiter.set_result(HeldSandbox(sandbox_id, program_id, want.reused, self.pool.now - want.needed_s))

    def _refuse(self, wanted_id: str, refusal: SandboxRefused) -> None:
        self.refused += 1
        waiter = self.waiters.get(wanted_id)
        if waiter is None:  # whoever asks for it later gets a new try
            logger.warning("%s", refusal)
        elif not waiter.done():
            waiter.set_exception(refusal)

    def _wake_at(self, at_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(max(0.0, at_s - self._clock()), self._timer_fired)

    def _timer_fired(self) -> None:
        self._timer = None
        self.send(events.TimerFired())
