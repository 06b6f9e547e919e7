"""All sandboxes of one owner: programs ask for them here, and they go when their programs do."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from thunderagent.core.resources import Budgets, Status, Want, events
from thunderagent.core.resources.leases import Slots
from thunderagent.errors import SandboxGone, SandboxRefused
from thunderagent.runtime.runtime import Runtime
from thunderagent.runtime.tools.backend import Command, Output, SandboxBackend, SandboxRequest
from thunderagent.runtime.tools.held import HeldSandbox, SandboxView
from thunderagent.runtime.tools.known import Known, KnownPrograms
from thunderagent.runtime.tools.leases import LeaseBook
from thunderagent.runtime.tools.profile import SandboxProfile, ToolTotals, profile
from thunderagent.runtime.tools.reactor import Reactor
from thunderagent.runtime.tools.sweep import SETTLED, Sweeper

logger = logging.getLogger(__name__)
Clock = Callable[[], float]
UNKNOWN_RANK = (2.0,)
"""Of programs of which the scheduler knows nothing (``Scheduler.rank``)."""

PORT_RETRY_AFTER_S = 10.0
"""Advice while all ports are taken: programs end every few seconds."""


@dataclass(frozen=True, slots=True)
class ToolSettings:
    """Times in seconds."""

    prepare_timeout_s: float = 300.0
    """Of one attempt: an image of some GB is fetched within minutes."""
    sweep_s: float = 30.0
    """Between two looks at what there really is: what vanished, what was left, what grew."""
    close_timeout_s: float = 30.0
    """For the removal of everything at the end; the next start finds what is left."""
    idle_ttl_s: float | None = 1800.0
    """A program that only sandboxes are known of is over after so long without a call; None: never."""


class LeaseKeeper(Protocol):
    """Whatever keeps what programs have, for the next life of the owner: ``Keeper``."""

    def wake(self) -> None:
        """There is something new."""
        ...

    async def leased(self, program_id: str) -> None:
        """Wait until what the program has is durable, or cannot be made so."""
        ...


class ToolHost:
    """All methods are to be called from one event loop."""

    def __init__(
        self,
        backend: SandboxBackend,
        owner_id: str,
        *,
        is_dead: Callable[[str], bool] = lambda owner_id: False,
        budgets: Budgets | None = None,
        settings: ToolSettings | None = None,
        default: SandboxRequest | None = None,
        ahead: bool = True,
        for_every_program: bool = True,
        ports: Iterable[int] = (),
        on_sandbox: Callable[[SandboxProfile], None] | None = None,
        clock: Clock = time.monotonic,
        wall_clock: Clock = time.time,
    ) -> None:
        """Nothing is there yet.

        Args:
            backend: what makes and runs sandboxes.
            owner_id: of this process and life, in the label ``thunderagent.owner`` and in all names.
            is_dead: whether another owner has ended, so that what it has left can go.
            budgets: how much sandboxes may take.
            settings: times.
            default: what ``acquire`` gives without a request.
            ahead: whether sandboxes are prepared before they are asked for: those that programs announce, and ``default``.
            for_every_program: whether ``default`` is prepared for every new program of the scheduler.
            ports: that programs can lease.
            on_sandbox: called on the loop for every sandbox that a program is done with; must not block.
            clock: in seconds; it does not jump.
            wall_clock: Unix time.
        """
        self.backend, self.default = backend, default
        self.settings = settings or ToolSettings()
        self.totals = ToolTotals()
        self._ahead, self._slots = ahead, Slots(ports)
        self._for_every_program = ahead and for_every_program and default is not None
        self._on_sandbox = on_sandbox
        self._clock, self._wall_clock = clock, wall_clock
        prepare_timeout_s = self.settings.prepare_timeout_s
        self.reactor = Reactor(backend, owner_id, budgets, prepare_timeout_s=prepare_timeout_s, clock=clock)
        self._known = KnownPrograms(clock)
        self.book = LeaseBook(self.reactor, self._slots, self._known, clock)
        """What programs have, to be kept."""
        self._has_none: Callable[[str], bool] = lambda program_id: False
        self._rank_of: Callable[[str], tuple[float, ...]] = lambda program_id: UNKNOWN_RANK
        self._is_known: Callable[[str], bool] = lambda program_id: False
        """Whether the scheduler tells when this program is over."""
        self._sweeper = Sweeper(self, is_dead)
        self._keeper: LeaseKeeper | None = None
        """None: what programs have ends with this process."""

    def follow(self, runtime: Runtime) -> None:
        """Programs of this scheduler begin, are admitted and end here too."""
        runtime.listen(self)
        self.ask(runtime.scheduler.rank, runtime.scheduler.programs.__contains__)

    def ask(self, rank_of: Callable[[str], tuple[float, ...]], is_known: Callable[[str], bool]) -> None:
        """Whom to ask for a program's rank, and whether it is told when a program is over. ``follow`` asks the scheduler."""
        self._rank_of, self._is_known = rank_of, is_known

    def outlive(self, owner_id: str, keeper: LeaseKeeper) -> set[str]:
        """What programs have is kept, by an owner of this id that outlives this process: ids of programs that have something new.

        To be called before anything is there.
        """
        self.reactor.owner_id, self._keeper = owner_id, keeper
        return self.reactor.follow_changes(keeper.wake)

    def recover(self, kept: Mapping[str, Any]) -> None:
        """What programs had in an earlier life of this owner is theirs still. What is not there any more, the first sweep finds.

        To be called before ``start``, which removes all else that the owner has left.
        """
        self.book.recover(kept, self._rank_of)

    def leave_out(self, has_none: Callable[[str], bool]) -> None:
        """Nothing is prepared for these programs unasked: ``has_none`` tells of each id whether it is one."""
        self._has_none = has_none

    async def start(self) -> None:
        """Remove what dead owners have left, and look after sandboxes from now on.

        A backend that does not answer is no error: it is asked again with every sweep.
        """
        await self._sweeper.start()

    async def close(self) -> None:
        """Everything goes, as far as that works in time. Whoever waits is refused."""
        self._sweeper.stop()
        for program_id in self._known.ids():
            self.program_over(program_id)
        await self.reactor.close(self.settings.close_timeout_s)
        await self.backend.close()

    # What programs ask for

    def request_of(self, said: Mapping[str, Any]) -> SandboxRequest | None:
        """The default, with the fields that a program has said; None: neither."""
        return replace(self.default or SandboxRequest(), **said) if said else self.default

    def prepare(self, program_id: str, request: SandboxRequest | None = None) -> None:
        """The program will ask for one like this: it is prepared as soon as there is room, by when the program will run.

        Raises:
            SandboxRefused: no image was named, and there is no default.
        """
        request = self._or_default(program_id, request)
        if not self._ahead:
            return
        known, wanted_id = self._known.call(program_id), self.reactor.name()
        self._want(wanted_id, program_id, request)
        if wanted_id in self.reactor.pool.wants:
            known.announced.setdefault(request.spec().fingerprint, []).append(wanted_id)

    async def acquire(self, program_id: str, request: SandboxRequest | None = None) -> HeldSandbox:
        """One of its own, once it is ready: one that was prepared for it, if there is one like this.

        Raises:
            SandboxRefused: there will be none.
        """
        request = self._or_default(program_id, request)
        known = self._known.call(program_id)
        wanted_id = self._take_announced(known, request.spec().fingerprint) or self.reactor.name()
        waiter: asyncio.Future[HeldSandbox] = asyncio.get_running_loop().create_future()
        self.reactor.waiters[wanted_id] = waiter
        try:
            if wanted_id not in self.reactor.pool.wants:
                self._want(wanted_id, program_id, request)
            self.reactor.send(events.Needed(wanted_id))
            held = await waiter
            await self.kept(program_id)
            return held
        except asyncio.CancelledError:
            self._give_up(wanted_id)
            raise
        finally:
            del self.reactor.waiters[wanted_id]

    async def attach(self, program_id: str, name: str) -> str:
        """A sandbox that somebody else has made is the program's from now on, and is removed with it. Its id.

        Raises:
            SandboxGone: there is none of this name, or it is another program's.
            SandboxProblem: the backend failed.
        """
        known = self._known.get(program_id)
        if known is not None and name in known.attached:
            return known.attached[name]
        sandbox_id = await self.backend.attach(name)
        sandbox = self.reactor.pool.sandboxes.get(sandbox_id)
        if sandbox is not None and (sandbox.want is None or sandbox.want.program_id != program_id):
            raise SandboxGone(f"container {name!r} is another program's")
        self.reactor.send(events.Attached(sandbox_id, program_id))
        self._known.call(program_id).attached[name] = sandbox_id
        await self.kept(program_id)
        return sandbox_id

    async def execute(self, program_id: str, sandbox_id: str, command: Command) -> Output:
        """Run a command in a sandbox that the program has.

        Raises:
            SandboxGone: it is not this program's, or not there any more.
            SandboxProblem: the backend failed.
        """
        want = self._held(program_id, sandbox_id)
        request = SandboxRequest() if want.sandbox.foreign else SandboxRequest.of(want.sandbox.spec)
        known = self._known.call(program_id)
        known.calls += 1
        try:
            return await self.backend.execute(sandbox_id, request, command)
        except SandboxGone:
            self.vanished(sandbox_id)
            raise
        finally:
            known.calls -= 1

    def give_back(self, program_id: str, sandbox_id: str) -> None:
        """The program is done with a sandbox before it is over.

        Raises:
            SandboxGone: it is not this program's.
        """
        self._known.call(program_id)
        self._give_up(self._held(program_id, sandbox_id).id)

    async def lease_port(self, program_id: str) -> int:
        """A port that no other program has, until this one is over.

        Raises:
            SandboxRefused: all are taken.
        """
        self._known.call(program_id)
        port = self._slots.lease(program_id, self._clock(), math.inf)
        if port is None:
            raise SandboxRefused(program_id, "no port is free", PORT_RETRY_AFTER_S)
        self.reactor.note(program_id)
        await self.kept(program_id)
        return port

    async def kept(self, program_id: str) -> None:
        """Wait until no crash changes what the program has, or until that cannot be had. ``acquire`` and the like do it."""
        if self._keeper is not None:
            await self._keeper.leased(program_id)

    def of_program(self, program_id: str) -> list[SandboxView]:
        """What it has and will have, in order of asking."""
        return [SandboxView.of(want) for want in self._wants_of(program_id)]

    def snapshot(self) -> dict[str, float]:
        """Gauges and totals for a tracker; the key set never changes."""
        pool, totals = self.reactor.pool, self.totals
        return {
            "sandboxes": pool.held.count,
            "preparing": pool.preparing,
            "ready": len(pool.ready),
            "idle": len(pool.idle),
            "waiting_programs": len(self.reactor.waiters),
            "disk_bytes": pool.held.disk_bytes,
            "image_disk_bytes": pool.images.total_bytes,
            "handed_out": totals.sandboxes,
            "reused": totals.reused,
            "unused": totals.unused,
            "refused": self.reactor.refused,
            "prepare_s": totals.prepare_s,
            "waited_s": totals.waited_s,
            "overlapped_share": totals.overlapped_share,
        }

    # Told by the runtime

    def program_began(self, program_id: str) -> None:
        """Prepare the default, unless it has told what it will need."""
        if not self._for_every_program or self._has_none(program_id):
            return
        if program_id not in self.reactor.pool.programs:
            self.prepare(program_id)
            self._known.touch(program_id).unasked = True

    def program_expected(self, program_id: str, rank: tuple[float, ...]) -> None:
        """It will run sooner or later than was thought."""
        if program_id in self.reactor.pool.programs:
            self.reactor.send(events.Expected(program_id, rank))

    def program_over(self, program_id: str, *, withdrawn: bool = False) -> None:
        """Everything of it goes; of one that may come again, only what it has not asked for."""
        known = self._known.get(program_id)
        if known is None or (withdrawn and not known.unasked):
            return
        self._known.forget(program_id)
        if self._slots.release(program_id):
            self.reactor.note(program_id)
        for want in self._wants_of(program_id):
            self._ended(want)
            waiter = self.reactor.waiters.get(want.id)
            if waiter is not None and not waiter.done():
                waiter.set_exception(SandboxRefused(program_id, "the program is over"))
        self.reactor.send(events.ProgramOver(program_id))

    # For sweeps

    @property
    def sweep_s(self) -> float:
        """Between two sweeps."""
        return self.settings.sweep_s

    def vanished(self, sandbox_id: str) -> None:
        """It is not there any more."""
        sandbox = self.reactor.pool.sandboxes.get(sandbox_id)
        if sandbox is not None and sandbox.want is not None and sandbox.status in SETTLED:
            self._ended(sandbox.want)
        self.reactor.send(events.Vanished(sandbox_id))

    def expire_programs(self) -> None:
        """Those that only sandboxes are known of, and that have not been heard of for long, are over."""
        ttl_s = self.settings.idle_ttl_s
        while ttl_s is not None and (program_id := self._known.first_silent(ttl_s)) is not None:
            if self._is_known(program_id) or self._is_busy(program_id):
                self._known.touch(program_id)
            else:
                logger.info("program %s has not been heard of for %g s: its sandboxes go", program_id, ttl_s)
                self.program_over(program_id)

    # Inside

    def _or_default(self, program_id: str, request: SandboxRequest | None) -> SandboxRequest:
        request = request or self.default
        if request is None:
            raise SandboxRefused(program_id, "no image was named, and there is no default")
        return request

    def _wants_of(self, program_id: str) -> list[Want]:
        return list(self.reactor.pool.programs.get(program_id, {}).values())

    def _held(self, program_id: str, sandbox_id: str) -> Want:
        for want in self._wants_of(program_id):
            if want.sandbox.id == sandbox_id and want.sandbox.status is Status.IN_USE:
                return want
        raise SandboxGone(f"program {program_id!r} has no sandbox {sandbox_id!r} (any more)")

    def _want(self, wanted_id: str, program_id: str, request: SandboxRequest) -> None:
        self.reactor.send(events.Wanted(wanted_id, program_id, request.spec(), self._rank_of(program_id)))

    def _take_announced(self, known: Known, fingerprint: str) -> str | None:
        announced = known.announced.get(fingerprint, [])
        while announced:
            wanted_id = announced.pop(0)
            if wanted_id in self.reactor.pool.wants:
                return wanted_id
        return None

    def _is_busy(self, program_id: str) -> bool:
        known = self._known.get(program_id)
        runs = known is not None and known.calls > 0
        return runs or any(want.id in self.reactor.waiters for want in self._wants_of(program_id))

    def _give_up(self, wanted_id: str) -> None:
        want = self.reactor.pool.wants.get(wanted_id)
        if want is not None:
            self._ended(want)
            self.reactor.send(events.Unwanted(wanted_id))

    def _ended(self, want: Want) -> None:
        """A program is done with it, one way or another; what others made is not measured."""
        if want.sandbox.foreign:
            return
        outcome = "unused" if want.needed_s is None else "given up" if want.ready_s is None else "used"
        self._measured(profile(want, outcome, self._clock(), self._wall_clock()))

    def _measured(self, one: SandboxProfile) -> None:
        self.totals.add(one)
        if self._on_sandbox is not None:
            self._on_sandbox(one)
