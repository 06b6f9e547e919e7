"""Keeps in a store what is to outlive the scheduler, and brings it back at the next start."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from typing import Any, Protocol

from thunderagent.core import Effect, Event
from thunderagent.errors import StoreError
from thunderagent.runtime.runtime import Runtime
from thunderagent.runtime.store import Changes, Kept, Remembered, Store

logger = logging.getLogger(__name__)

FLUSH_S = 0.05
"""Until a program that began or ended is written; answers of engines mostly take longer, so that they wait for nothing."""
SIZES_S = 4.0
"""Until it is written how programs have grown and where they are now, and what was learned: the next turn of each tells its size
anew. What changes within it is written once, and a thousand rows in one go cost a tenth of what they cost one by one. At 1 s,
fifteen hundred busy programs cost a gateway 9% of its CPU."""
CHUNK = 1_000
"""Programs written at once: to put them together holds the loop up for some milliseconds."""
SLICE = 200
"""Programs brought back before others have their turn on the loop, for the same reason."""
RETRY_S = 1.0
"""Until a store that failed is tried again."""
LATE_S = 300.0
"""An engine that answers later has lost its KV cache, or its programs have been sent elsewhere."""

Identity = list[Any]
"""Of an engine's process, as plain data."""


class Leases(Protocol):
    """What programs have of tools: ``LeaseBook``."""

    def leases(self, program_id: str) -> dict[str, Any]: ...
    def lessees(self) -> list[str]: ...


class Keeper:
    """Follows a runtime, on its loop. One thread writes."""

    def __init__(
        self,
        runtime: Runtime,
        store: Store,
        *,
        identity_of: Callable[[str], Identity] = lambda backend_id: [],
        same: Callable[[Any, Identity], bool] = lambda before, now: before == now,
    ) -> None:
        """``identity_of``: of the process behind a backend; ``same``: whether it has the KV cache that was there before."""
        self._runtime, self._store = runtime, store
        self._identity_of, self._same = identity_of, same
        self.recovering = True
        """Until all programs are back: no turn is to be sent before."""
        self.behind = False
        """Whether the store could not be written, and has not caught up yet: what is new is kept in memory alone."""
        self._left_out: list[Callable[[str], bool]] = []
        self._changed = runtime.scheduler.follow_changes()
        self._writing: frozenset[str] = frozenset()
        self._durable: set[str] = set()
        """Programs that the store has."""
        self._offset_s = 0.0
        """From the runtime's clock to the store's."""
        self._grown: set[str] = set()
        """Changed programs that the store has: to be written with the sizes."""
        self._sizes_due_s = 0.0
        self._processes: dict[str, Any] = {}
        self._late: dict[str, list[Kept]] = {}
        """Programs whose KV was held at engines that have not answered yet."""
        self._late_until_s = 0.0
        self._tools: Leases | None = None
        self._leased: set[str] = set()
        """Programs that have other tools than the store has."""
        self._writing_leases: frozenset[str] = frozenset()
        self._wanted, self._hurry = asyncio.Event(), asyncio.Event()
        self._round: asyncio.Future[None] | None = None
        """Done when the next write is over, however it ended; None: nobody waits for that."""
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="thunderagent-store")
        self._task: asyncio.Task[None] | None = None
        runtime.keeper = self
        runtime.watch(self._took)

    def leave_out(self, wanted: Callable[[str], bool]) -> None:
        """Programs of which this is true are not kept: nobody will ask for them again."""
        self._left_out.append(wanted)

    def follow(self, tools: Leases, changed: set[str]) -> None:
        """Keep what programs have of tools; ``changed``: those that have something new, to be emptied by us."""
        self._tools, self._leased = tools, changed

    # Recovery

    async def load(self) -> Remembered:
        """What the store has.

        Raises:
            StoreError: it cannot be read.
        """
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._store.load)

    async def recover(self, remembered: Remembered) -> None:
        """Bring everything back, and keep it from now on. Engines that are up should be known by now."""
        runtime, told = self._runtime, remembered.statistics
        processes = told.get("processes")
        self._processes = dict(processes) if isinstance(processes, dict) else {}
        self._late_until_s = runtime.now() + LATE_S
        self._offset_s = remembered.time_s - runtime.now()
        runtime.recover_statistics(told)
        self._durable = {kept.program.program_id for kept in remembered.programs}
        for begin in range(0, len(remembered.programs), SLICE):
            for kept in remembered.programs[begin : begin + SLICE]:
                self._bring_back(kept)
            await asyncio.sleep(0)  # whoever asks meanwhile is told
        if remembered.unreadable:
            logger.warning("%d programs of the store cannot be read: they are forgotten", remembered.unreadable)
        if remembered.programs:
            logger.warning("programs recovered: %d", len(remembered.programs))
        self.recovering = False
        self._task = asyncio.create_task(self._keep(), name="thunderagent-keeper")

    def joined(self, backend_id: str) -> None:
        """A backend is up. Programs that were held there are held again, if its process is the same."""
        late = self._late.pop(backend_id, [])
        if self._runtime.now() <= self._late_until_s:
            for kept in late:
                if kept.program.program_id in self._runtime.scheduler.programs:
                    self._bring_back(kept)

    def _bring_back(self, kept: Kept) -> None:
        program, scheduler = kept.program, self._runtime.scheduler
        backend_id = program.backend_id
        held = program.held
        if program.held and backend_id is not None:
            if backend_id not in scheduler.ledger.backends:
                self._late.setdefault(backend_id, []).append(kept)
            elif backend_id in self._processes:
                held = self._same(self._processes[backend_id], self._identity_of(backend_id))
        self._runtime.recover(program if held == program.held else replace(program, held=held), kept.steps)
        now = scheduler.programs.get(program.program_id)
        if now is not None and (now.backend is not None) == program.held:
            self._changed.discard(program.program_id)  # it is as it was written
        else:
            self._changed.add(program.program_id)

    # Durability

    def knows(self, program_id: str) -> bool:
        """Whether a program's existence is durable, or cannot be made so."""
        return program_id in self._durable or self.behind or self._is_left_out(program_id)

    async def known(self, program_id: str) -> None:
        """Wait until it is, or it is over."""
        while not self.knows(program_id) and program_id in self._runtime.scheduler.programs:
            await self._written()

    async def forgotten(self, program_id: str) -> None:
        """Wait until the end of a program is durable, or cannot be made so, or it has come again."""
        programs = self._runtime.scheduler.programs
        while (program_id in self._durable or program_id in self._writing) and not (self.behind or program_id in programs):
            await self._written()
        await self.leased(program_id)

    async def leased(self, program_id: str) -> None:
        """Wait until what a program has of tools is durable, or cannot be made so."""
        while (program_id in self._leased or program_id in self._writing_leases) and not self.behind:
            await self._written()

    async def _written(self) -> None:
        if self._round is None or self._round.done():
            self._round = asyncio.get_running_loop().create_future()
        self._hurry.set()
        self._wanted.set()
        await asyncio.shield(self._round)

    # Writing

    def wake(self) -> None:
        """There is something to write."""
        self._wanted.set()

    def _took(self, event: Event, effects: Sequence[Effect]) -> None:
        if self._changed:
            self._wanted.set()

    async def _keep(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), SIZES_S if self._grown else None)
            self._wanted.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), RETRY_S if self.behind else FLUSH_S)
            self._hurry.clear()
            self._sort_out()
            if self._is_due() and not await self._write():
                self._wanted.set()
            if self._is_due():
                self._wanted.set()

    def _is_due(self) -> bool:
        return bool(self._changed or self._leased) or self._sizes_are_due()

    def _sizes_are_due(self) -> bool:
        return bool(self._grown) and self._runtime.now() >= self._sizes_due_s

    def _sort_out(self) -> None:
        """Programs that have only grown wait for the next time that sizes are written."""
        programs = self._runtime.scheduler.programs
        grown = {name for name in self._changed if name in self._durable and name in programs}
        self._grown |= grown
        self._changed -= grown

    async def _write(self) -> bool:
        """What is due, or a part of it. False: the store failed."""
        sizes = self._runtime.now() >= self._sizes_due_s
        changes = self._take(CHUNK, sizes=sizes)
        if sizes and not self._grown:
            self._sizes_due_s = self._runtime.now() + SIZES_S
        problem = ""
        try:
            await asyncio.get_running_loop().run_in_executor(self._writer, self._store.write, changes)
        except StoreError as error:
            problem = str(error)
        except Exception as error:  # a bug of ours must not end the writing
            logger.exception("changes could not be written")
            problem = repr(error)
        if problem:
            self._failed(problem)
        else:
            self._succeeded(changes)
        self._writing = self._writing_leases = frozenset()
        if self._round is not None and not self._round.done():
            self._round.set_result(None)
        return not problem

    def _take(self, most: int, *, sizes: bool) -> Changes:
        """What is to be written next; it counts as being written from now on."""
        ids = list(islice(self._changed, most))
        self._changed.difference_update(ids)
        if sizes:
            grown = list(islice(self._grown, most - len(ids)))
            self._grown.difference_update(grown)
            ids = [*dict.fromkeys(ids + grown)]
        self._writing = frozenset(ids)
        scheduler, at_s = self._runtime.scheduler, self._runtime.now() + self._offset_s
        programs, over = [], []
        for program_id in ids:
            program = scheduler.programs.get(program_id)
            if program_id not in self._durable and self._is_left_out(program_id):
                continue
            if program is None:
                over.append(program_id)
            else:
                programs.append(Kept(scheduler.remember(program), self._runtime.steps(program_id), at_s))
        statistics = self._statistics(at_s) if sizes and not self._grown else None
        return Changes(programs, over, statistics, self._take_leases(most))

    def _take_leases(self, most: int) -> dict[str, dict[str, Any]]:
        self._writing_leases = frozenset(islice(self._leased, most))
        self._leased.difference_update(self._writing_leases)
        return {} if self._tools is None else {name: self._tools.leases(name) for name in self._writing_leases}

    def _statistics(self, at_s: float) -> dict[str, Any]:
        waited_for = {name: self._processes[name] for name in self._late if name in self._processes}
        self._processes = waited_for | {name: self._identity_of(name) for name in self._runtime.backends}
        return {**self._runtime.remember_statistics(), "time_s": at_s, "processes": self._processes}

    def _succeeded(self, changes: Changes) -> None:
        self._durable.difference_update(changes.over)
        self._durable.update(kept.program.program_id for kept in changes.programs)
        if self.behind and not (self._changed or self._grown or self._leased):
            self.behind = False
            logger.warning("the store is written again")

    def _failed(self, problem: str) -> None:
        self._sizes_due_s = 0.0
        self._changed.update(self._writing)
        self._changed.update(self._runtime.scheduler.programs)  # whatever has become of what was written
        if self._tools is not None:
            self._leased.update(self._writing_leases, self._tools.lessees())
        if not self.behind:
            self.behind = True
            logger.error("%s; what is new is kept in memory alone until it can be written", problem)

    def _is_left_out(self, program_id: str) -> bool:
        return any(left_out(program_id) for left_out in self._left_out)

    def close(self) -> None:
        """Write the rest and let go of the store. On the loop, or once it has ended."""
        if self._task is not None:
            self._task.cancel()
        self._writer.shutdown()
        if not self.recovering:
            self._changed.update(self._writing, self._grown)
            self._grown.clear()
            self._leased.update(self._writing_leases)
            with contextlib.suppress(StoreError):
                self._store.write(self._take(len(self._changed) + len(self._leased), sizes=True))
        self._store.close()
