"""Scheduling policies: where a turn may start, in which order waiting programs resume, how much must be given up."""

from __future__ import annotations

from typing import Protocol

from thunderagent.core.index import Key
from thunderagent.core.ledger import Backend, Ledger
from thunderagent.core.program import Program


class Policy(Protocol):
    """A set of predicates over the ledger. A policy changes nothing; the scheduler acts on its answers."""

    @property
    def max_wait_s(self) -> float | None:
        """A turn parked for longer is admitted by force; None: never."""

    def place(self, program: Program, ledger: Ledger) -> Backend | None:
        """The backend on which a turn of this non-resident program may start now; None: it has to wait."""

    def place_by_force(self, program: Program, ledger: Ledger) -> Backend:
        """The backend for a turn that has waited too long. The ledger holds at least one backend."""

    def resume_key(self, program: Program) -> Key:
        """Waiting programs are admitted in ascending order of this."""

    def excess_tokens(self, backend: Backend) -> float:
        """Tokens that residents must give up on this backend; 0 or less: it fits."""

    def largest_prompt_tokens(self, ledger: Ledger) -> int | None:
        """A longer prompt is refused; None: no limit. The ledger holds at least one backend."""
