"""What follows from every event: programs come and go, give up KV or get in. The lower half of the reference."""

from __future__ import annotations

from collections import Counter

from tests.core.reference.rules import Rules
from tests.core.reference.world import Backend, Program, Turn
from thunderagent.core.effects import Admit, Demote, Effect, Free, Park, ParkReason, ReclaimTools, Refuse, RefuseCause


class Consequences:
    """A scheduler that remembers facts only and finds everything else by looking at all of them."""

    def __init__(self, rules: Rules, *, idle_ttl_s: float, max_programs: int, max_sync_s: float) -> None:
        self.rules, self.world = rules, rules.world
        self.idle_ttl_s, self.max_programs, self.max_sync_s = idle_ttl_s, max_programs, max_sync_s
        self.syncing_since_s: float | None = None
        self.next_tick_s: float | None = None
        self.births = self.placements = self.caches = 0
        self.effects: list[Effect] = []
        self.grown: list[Backend] = []
        """In which more may be held than before this event, in the order in which they grew."""
        self.arrivals: list[tuple[Program, Turn]] = []
        """That joined the line with this event."""
        self.tally: Counter[str] = Counter()

    # Programs

    def end_program(self, program: Program) -> None:
        self.effects += [Refuse(turn.id, RefuseCause.RELEASED, "its program was released") for turn in program.waiting]
        program.waiting, program.running = [], []
        if program.backend is not None:
            backend = self.leave_backend(program)
            if self.rules.hints:
                self.effects.append(Free(program.id, backend.id))
        self.world.programs.remove(program)
        living = {piece for p in self.world.programs for piece in (*p.group_chain, *p.chain)}
        self.world.homes = [home for home in self.world.homes if home[0] in living]
        self.world.finished = [group for group in self.world.finished if any(p.group == group for p in self.world.programs)]
        self.effects.append(ReclaimTools(program.id))

    def leave_backend(self, program: Program) -> Backend:
        backend = program.backend
        assert backend is not None, "it is resident"
        program.backend, program.marked = None, False
        self.note_empties()
        return backend

    def settle_on(self, program: Program, backend: Backend) -> None:
        """From now on its KV is counted here."""
        self.placements += 1
        program.backend, program.origin_id, program.placement = backend, backend.id, self.placements
        if program.chain:
            self.world.homes.append((program.chain[-1], backend.id))
        self.note_empties()

    def pause(self, program: Program) -> None:
        backend = self.leave_backend(program)
        program.paused_in_call = True
        self.tally["pauses"] += 1
        if self.rules.hints:
            self.effects.append(Demote(program.id, backend.id))

    def settle(self, program: Program | None) -> None:
        """A turn has gone that did not run: its program is idle from now on, or over if it never ran."""
        if program is not None and self.world.is_idle(program):
            program.idle_since_s = self.world.now
            if program.origin_id is None:
                self.end_program(program)

    def withdraw(self, program: Program, turn: Turn) -> None:
        program.waiting.remove(turn)
        if program.waiting:
            self.size_by_line(program)
        else:
            self.settle(program)

    def refuse_waiting(self, program: Program, cause: RefuseCause, reason: str, retry_after_s: float | None) -> None:
        for turn in list(program.waiting):
            self.effects.append(Refuse(turn.id, cause, reason, retry_after_s))
            self.withdraw(program, turn)

    def size_by_line(self, program: Program) -> None:
        """A parked program is as long as the longest of its waiting turns, and no shorter than what it shares."""
        program.context = max([program.shared, *(turn.prompt for turn in program.waiting)])

    def start(self, program: Program, turn: Turn) -> None:
        backend = program.backend
        assert backend is not None, "it is resident"
        turn.admitted_s, turn.cache = self.world.now, backend.cache
        turn.told = None if program.running else program.still_in(backend.cache)
        program.running.append(turn)
        self.effects.append(Admit(turn.id, backend.id, program.priority * 2**40 + program.birth))

    def new_cache(self) -> int:
        self.caches += 1
        return self.caches

    # Shedding, admission, parking: in this order

    def grew(self, backend: Backend) -> None:
        if backend not in self.grown:
            self.grown.append(backend)

    def note_empties(self) -> None:
        empty = [b for b in self.world.usable() if not self.world.residents(b)]
        known = [b for b in self.world.empties if b in empty]
        self.world.empties = known + [b for b in empty if b not in known]

    def too_large(self, context: int) -> tuple[RefuseCause, str, float | None] | None:
        """Reason and advice: one that is sick may be well again."""
        limit = self.rules.largest_prompt()
        if limit is None or context <= limit or not self.world.usable():
            return None
        sick = [b for b in self.world.backends if not b.healthy]
        if any(b.capacity is None or b.capacity >= context for b in sick):
            return RefuseCause.NO_BACKEND, f"no backend is up that could hold its context of {context} tokens", 5.0
        return RefuseCause.TOO_LARGE, f"its context of {context} tokens is longer than the largest KV cache, {limit} tokens", None

    def rebalance(self) -> None:
        if self.rules.tick_s is None:
            for backend in [*self.grown, *(b for b in self.world.backends if b not in self.grown)]:
                self.shed(backend)
            self.admit_waiting()
        elif len(self.world.in_line()) == 1 and self.syncing_since_s is None:
            program = self.world.in_line()[0]  # alone in line: a new one need not wait for the tick
            place = self.rules.place(program) if program.origin_id is None else None
            if place is not None:
                self.admit(program, place)
        for program, turn in self.arrivals:
            if turn in program.waiting:
                first = self.rules.line()[0] is program
                self.effects.append(Park(turn.id, self.rules.park_reason() if first else ParkReason.BEHIND))

    def shed(self, backend: Backend) -> None:
        """Pause the smallest in a tool call, then mark the smallest that runs, while too much is held and no longer."""
        while self.rules.excess(backend) > 0:
            acting, unmarked = self.world.acting(backend), self.world.unmarked(backend)
            if acting:
                self.pause(acting[0])
            elif self.rules.marks and unmarked:
                unmarked[0].marked = True
            else:
                return

    def overdue(self) -> Program | None:
        """Who has waited longest, if that is too long."""
        limit_s, now = self.rules.max_wait_s, self.world.now
        waited = sorted(self.world.in_line(), key=lambda p: (p.waiting[0].arrived_s, p.birth))
        return next((p for p in waited if limit_s is not None and now >= p.waiting[0].arrived_s + limit_s), None)

    def admit_waiting(self) -> None:
        """In strict order until the first that has to wait."""
        while self.syncing_since_s is None and self.world.in_line():
            first = self.overdue() or self.rules.line()[0]
            if problem := self.too_large(first.context):
                self.refuse_waiting(first, *problem)
            elif place := self.rules.place(first):
                self.admit(first, place)
            elif lent := self.rules.lend():
                self.tally["lent"] += 1
                self.pause(lent)
            elif first is self.overdue() and (place := self.rules.place_by_force(first)):
                self.tally["forced"] += 1
                self.admit(first, place)
            elif not self.fill_empty_backend():
                return

    def fill_empty_backend(self) -> bool:
        """One that is too small for the first in line takes the smallest instead of staying idle."""
        smallest = min(self.world.in_line(), key=lambda p: (p.context, p.birth))
        for backend in self.world.empties:
            if self.rules.fits(smallest, backend):
                self.admit(smallest, backend)
                return True
        return False

    def admit(self, program: Program, backend: Backend) -> None:
        """All its waiting turns run here; others give way if that is too much."""
        turns, program.waiting = program.waiting, []
        program.avoid_id = None
        self.settle_on(program, backend)
        for turn in turns:
            self.start(program, turn)
        if self.rules.tick_s is None:
            self.shed(backend)
