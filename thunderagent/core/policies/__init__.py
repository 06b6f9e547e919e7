"""Scheduling policies: where a turn may start, in which order waiting programs resume, how much must be given up."""

from __future__ import annotations

import math
from collections.abc import Iterator

from thunderagent.core.effects import ParkReason
from thunderagent.core.index import Key
from thunderagent.core.ledger import Backend, Ledger
from thunderagent.core.program import BIRTHS_PER_RANK, Program
from thunderagent.core.tool_times import ToolTimes


class Policy:
    """A set of predicates over the ledger, each O(log n). A policy changes no program; the scheduler acts on its answers.

    An instance belongs to one scheduler. What is not overridden is the behaviour of a pass-through.
    """

    max_wait_s: float | None = None
    """A program parked for longer is admitted by force; None: never."""
    marks: bool = False
    """Whether running programs are marked, to be paused when their turns end, if nothing idle is left to pause."""
    tick_s: float | None = None
    """Pauses and resumes are decided every so often (``tick.py``); None: with every event."""
    tools: ToolTimes | None = None
    """Where the scheduler is to keep the durations of tool calls, if the policy wants to know them."""
    sticky: bool = True
    """Whether programs are counted between turns where they ran, and go on there; else each turn is placed anew."""
    hints: bool = False
    """Whether engines are told what may be evicted (``Demote``, ``Free``)."""

    # Questions

    def load(self, backend: Backend) -> Key:
        """Backends with the smallest are tried first."""
        return float(backend.resident)

    def origin(self, program: Program, ledger: Ledger) -> Backend | None:
        """Where the program's own KV may still be, if that is to be tried first."""
        return ledger.usable(program.origin_id)

    def home(self, program: Program, ledger: Ledger) -> Backend | None:
        """Where the KV of its shared start is, if that is to be tried next."""
        return None

    def candidates(self, program: Program, ledger: Ledger) -> Iterator[Backend]:
        """Usable backends in the order in which this non-resident program is to be tried on them, each once."""
        avoided = ledger.usable(program.avoid_id)
        origin = self.origin(program, ledger)
        if origin is not None and origin is not avoided:
            yield origin
        home = self.home(program, ledger)
        if home is not None and home is not origin and home is not avoided:
            yield home
        least_loaded = ledger.least_loaded(besides=avoided)
        if least_loaded is not None and least_loaded is not origin and least_loaded is not home and least_loaded is not avoided:
            yield least_loaded
        if avoided is not None:
            yield avoided

    def fits(self, program: Program, backend: Backend, now: float) -> bool:
        """Whether a turn of this non-resident program may start here now."""
        return True

    def place(self, program: Program, ledger: Ledger, now: float) -> Backend | None:
        """The backend on which a turn of this non-resident program may start now; None: it has to wait."""
        for backend in self.candidates(program, ledger):
            if self.fits(program, backend, now):
                return backend
        return None

    def place_by_force(self, program: Program, ledger: Ledger) -> Backend | None:
        """The backend for a program that has waited too long; None if there is none at all. O(backends)."""
        usable = [backend for backend in ledger.backends.values() if backend.usable]
        return min(usable, key=lambda b: (not b.could_hold(program), self.load(b), b.birth), default=None)

    def line_key(self, program: Program) -> Key:
        """Waiting programs are admitted in ascending order of this."""
        return program.priority * BIRTHS_PER_RANK + program.birth

    def excess_tokens(self, backend: Backend, now: float) -> float:
        """Tokens that residents must give up on this backend; 0 or less: it fits."""
        return 0.0

    def largest_prompt_tokens(self, ledger: Ledger) -> int | None:
        """A longer prompt is refused; None: no limit."""
        return None

    @property
    def park_reason(self) -> ParkReason:
        """Why the first in line waits."""
        return ParkReason.NO_ROOM

    def waits_for(self, program: Program, ledger: Ledger, now: float) -> str:
        """What the first in line waits for, in words."""
        best = ledger.least_loaded()
        if best is None:
            return "a backend to come up"
        free_tokens = max(0.0, self.free_tokens(best, now))
        free = "no known limit" if free_tokens == float("inf") else f"{free_tokens:,.0f}"
        return f"{best.need_tokens(program):,} tokens of KV cache; most is free on {best.id}: {free}"

    def keeps_marked(self, backend: Backend, now: float) -> bool:
        """Whether a marked program stays when its turn ends because there is room again."""
        return self.excess_tokens(backend, now) <= 0

    def free_tokens(self, backend: Backend, now: float) -> float:
        """Room for admissions; negative when over it."""
        return float("inf")

    def next_to_lend(self, now: float) -> Program | None:
        """A resident that had better give up its KV cache, as somebody waits for room."""
        return None

    def next_look_s(self) -> float:
        """When the answer of ``next_to_lend`` may change with time alone; infinite: never."""
        return math.inf

    # What it is told

    def acting_began(self, program: Program, backend: Backend, now: float) -> None:
        """A resident's last turn has ended."""

    def acting_ended(self, program: Program, backend: Backend, now: float) -> None:
        """It is not resident and between turns any more: its next turn has come, it was paused, or it is over."""

    def returned(self, backend: Backend, expected_tokens: int, cached_tokens: int, *, waiting: bool) -> None:
        """Of private tokens whose KV was held for a program, so many were still cached when its next turn ran."""
