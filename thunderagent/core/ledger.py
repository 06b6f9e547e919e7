"""The exact account of KV tokens per backend: running sums and ordered indexes, O(log n) per change.

What programs share (``prefixes.py``) is stored once in an engine's prefix cache, so it is counted once per backend.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from thunderagent.core.decaying_sum import DecayingSum
from thunderagent.core.index import Key, OrderedIndex
from thunderagent.core.prefixes import Prefix
from thunderagent.core.program import Program, Status, Step
from thunderagent.core.turn_times import TurnTimes


@dataclass(slots=True, eq=False)
class Backend:
    """One KV cache: its capacity and what is committed on it. All sums are in tokens."""

    id: str
    birth: int
    """Order of joining."""
    capacity_tokens: int | None
    """KV capacity; None: unknown, never full."""
    host_tokens: int = 0
    """Second tier in host memory."""
    healthy: bool = True
    usable: bool = False
    """Whether turns may be sent here (``Ledger.reassess``)."""
    epoch: int = 0
    """Number of its KV cache, unique for ever: another one after every loss, and for a backend whose id was used before."""
    written_tokens: int = 0
    """KV computed here since it joined, as far as usage tells."""
    undisturbed_tokens_per_s: float | None = None
    """Speed of prefill where the time of first tokens is known (``residency.py``); None: it is not."""
    turn_times: TurnTimes = field(default_factory=TurnTimes)
    """Of turns whose first token nobody saw."""
    fit: float = 1.0
    """Correction of the capacity by observed cache misses (``thunder``)."""
    private_tokens: int = 0
    """Of all residents."""
    private_acting_tokens: int = 0
    """Of those between turns."""
    marked_tokens: int = 0
    """Private tokens of the reasoning ones that will be given up when their turns end."""
    shared_tokens: int = 0
    """Shared starts, each once."""
    credited_tokens: int = 0
    """Shared starts, once for every resident program that has them: what would be counted without the credit."""
    prefixes: dict[Prefix, int] = field(default_factory=dict)
    """Prefix -> residents with it and prefixes below it that are here."""
    decayed_acting: DecayingSum | None = None
    """Private tokens of the acting ones, decaying since their turns ended; only for policies with decay."""
    programs: dict[int, Program] = field(default_factory=dict)
    """Residents by birth."""
    acting: OrderedIndex[Program] = field(default_factory=OrderedIndex)
    """Residents between turns, smallest private part first."""
    unmarked: OrderedIndex[Program] = field(default_factory=OrderedIndex)
    """Residents with running turns that are not marked, smallest private part first; only for policies that mark."""

    @property
    def resident(self) -> int:
        """Programs whose KV is counted here."""
        return len(self.programs)

    @property
    def prefill_tokens_per_s(self) -> float | None:
        """Measured speed of prefill; None: not known yet."""
        return self.undisturbed_tokens_per_s or self.turn_times.prefill_tokens_per_s

    @property
    def private_reasoning_tokens(self) -> int:
        """Private tokens of the residents with running turns."""
        return self.private_tokens - self.private_acting_tokens

    def new_shared_tokens(self, program: Program) -> int:
        """Shared tokens that would be counted here for the first time with this program."""
        tokens, prefix = 0, program.prefix
        while prefix is not None and prefix not in self.prefixes:
            tokens += prefix.own_tokens
            prefix = prefix.parent
        return tokens

    def need_tokens(self, program: Program) -> int:
        """Tokens that admitting this program would add."""
        return program.private_tokens + self.new_shared_tokens(program)

    def could_hold(self, program: Program) -> bool:
        """Whether its context fits when nothing else is here."""
        return self.capacity_tokens is None or program.context_tokens <= self.capacity_tokens


class Ledger:
    """All backends and the programs counted on them. ``load`` orders backends for placement, smallest first."""

    def __init__(self, load: Callable[[Backend], Key], *, marks: bool = False) -> None:
        self.backends: dict[str, Backend] = {}
        self.changed: set[str] | None = None
        """Programs that began, moved, had their turns end or are over since the host has emptied it; None: nobody asks."""
        self.largest_tokens: int | None = 0
        """The largest KV capacity of all usable backends; None if one of them is unknown."""
        self._load, self._marks = load, marks
        self._order: OrderedIndex[Backend] = OrderedIndex()
        self.empty: dict[int, Backend] = {}
        """Usable backends without residents, by birth."""
        self._stale: dict[int, Backend] = {}
        """Backends whose place in the order is to be brought up to date before it is used."""
        self._births = self._epochs = 0

    # Backends

    def join(self, backend_id: str, capacity_tokens: int | None, host_tokens: int) -> Backend:
        """Add a backend."""
        self._births += 1
        backend = self.backends[backend_id] = Backend(backend_id, self._births, capacity_tokens, host_tokens)
        backend.epoch = self._new_epoch()
        self.reassess(backend)
        return backend

    def lose_cache(self, backend: Backend) -> None:
        """O(1): what was written in an earlier epoch is gone, whoever asks."""
        backend.epoch = self._new_epoch()

    def _new_epoch(self) -> int:
        self._epochs += 1
        return self._epochs

    def leave(self, backend: Backend) -> None:
        """Take away a backend on which nothing is counted any more."""
        del self.backends[backend.id]
        self.reassess(backend)

    def reassess(self, backend: Backend) -> None:
        """To be called when the capacity or health of a backend, or its being here, has changed. O(backends)."""
        backend.usable = backend.healthy and backend.capacity_tokens != 0 and self.backends.get(backend.id) is backend
        if backend.usable:
            self._stale[backend.birth] = backend
            if not backend.programs:
                self.empty[backend.birth] = backend
        else:
            self._order.discard(backend)
            self._stale.pop(backend.birth, None)
            self.empty.pop(backend.birth, None)
        capacities = [b.capacity_tokens for b in self.backends.values() if b.usable]
        known = [capacity for capacity in capacities if capacity is not None]
        self.largest_tokens = max(known, default=0) if len(known) == len(capacities) else None

    def least_loaded(self, besides: Backend | None = None) -> Backend | None:
        """The usable backend with the smallest load, another than ``besides`` if there is one; None if there is none."""
        self._sort()
        first = self._order.first()
        if first is None or first is not besides or len(self._order) == 1:
            return first
        key = self._order.first_key()
        self._order.discard(first)
        second = self._order.first()
        self._order.put(first, key)
        return second

    def least_load(self) -> Any:
        """The smallest load of a usable backend, as the policy gave it; None if there is none."""
        self._sort()
        return self._order.first_key()

    def _sort(self) -> None:
        for backend in self._stale.values():
            self._order.put(backend, self._load(backend))
        self._stale.clear()

    @property
    def any_usable(self) -> bool:
        """Whether turns may be sent anywhere at all."""
        return bool(self._stale or self._order)

    def usable(self, backend_id: str | None) -> Backend | None:
        """The backend of this id if turns may be sent to it."""
        backend = self.backends.get(backend_id) if backend_id is not None else None
        return backend if backend is not None and backend.usable else None

    def home(self, program: Program) -> Backend | None:
        """Where a program was last placed that has the same longest shared start, if turns may be sent there."""
        return self.usable(program.prefix.home_id) if program.prefix is not None else None

    def touch(self, backend: Backend) -> None:
        """Its load may have changed."""
        if backend.usable:
            self._stale[backend.birth] = backend

    # Programs

    def note(self, program: Program) -> None:
        """There is something new to remember of it."""
        if self.changed is not None:
            self.changed.add(program.id)

    def add(self, program: Program, backend: Backend, step: Step) -> None:
        """Make a program resident by this step and count it."""
        program.take(step)
        program.backend, program.origin_id = backend, backend.id
        self.empty.pop(backend.birth, None)
        backend.programs[program.birth] = program
        backend.credited_tokens += program.shared_tokens
        self._share(program, backend)
        self._count(program, backend)
        self.touch(backend)
        self.note(program)

    def remove(self, program: Program, step: Step) -> Backend:
        """Stop counting a resident program, by this step; returns where it was."""
        backend = program.backend
        assert backend is not None, f"{program.id} is not resident"
        self._uncount(program, backend)
        program.take(step)
        del backend.programs[program.birth]
        backend.credited_tokens -= program.shared_tokens
        self._unshare(program, backend)
        program.backend, program.marked = None, False
        self.touch(backend)
        if not backend.programs and backend.usable:
            self.empty[backend.birth] = backend
        self.note(program)
        return backend

    def change(
        self, program: Program, *, step: Step | None = None, context_tokens: int | None = None, marked: bool | None = None
    ) -> Backend:
        """Change a program that stays resident, keeping every sum and index true; returns where it is."""
        backend = program.backend
        assert backend is not None, f"{program.id} is not resident"
        self._uncount(program, backend)
        if step is not None:
            program.take(step)
        if context_tokens is not None:
            program.context_tokens = context_tokens
        if marked is not None:
            program.marked = marked
        self._count(program, backend)
        self.touch(backend)
        if step is Step.ALL_TURNS_ENDED:  # while one runs, what was before it is good enough to be remembered
            self.note(program)
        return backend

    def _count(self, program: Program, backend: Backend) -> None:
        private_tokens = program.context_tokens - program.shared_tokens
        backend.private_tokens += private_tokens
        if program.status is Status.ACTING:
            backend.private_acting_tokens += private_tokens
            backend.acting.put(program, private_tokens)
        elif program.marked:
            backend.marked_tokens += private_tokens
        elif self._marks:
            backend.unmarked.put(program, private_tokens)

    def _uncount(self, program: Program, backend: Backend) -> None:
        private_tokens = program.context_tokens - program.shared_tokens
        backend.private_tokens -= private_tokens
        if program.status is Status.ACTING:
            backend.private_acting_tokens -= private_tokens
            backend.acting.discard(program)
        elif program.marked:
            backend.marked_tokens -= private_tokens
        elif self._marks:
            backend.unmarked.discard(program)

    @staticmethod
    def _share(program: Program, backend: Backend) -> None:
        prefix = program.prefix
        if prefix is not None:
            prefix.home_id = backend.id
        while prefix is not None:
            count = backend.prefixes.get(prefix, 0)
            backend.prefixes[prefix] = count + 1
            if count:
                return
            backend.shared_tokens += prefix.own_tokens
            prefix = prefix.parent

    @staticmethod
    def _unshare(program: Program, backend: Backend) -> None:
        prefix = program.prefix
        while prefix is not None:
            count = backend.prefixes[prefix]
            if count > 1:
                backend.prefixes[prefix] = count - 1
                return
            del backend.prefixes[prefix]
            backend.shared_tokens -= prefix.own_tokens
            prefix = prefix.parent
