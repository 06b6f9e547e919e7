"""The line of programs whose turns are held back: one order by policy, one by age, one by size."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from thunderagent.core.index import Key, OrderedIndex
from thunderagent.core.program import Program
from thunderagent.core.turn import Turn


class WaitingLine:
    """Parked programs. Joining, leaving and asking who is next cost O(log n)."""

    def __init__(self, key: Callable[[Program], Key], max_wait_s: float | None) -> None:
        """Programs are admitted in ascending order of ``key``; one that has waited for ``max_wait_s`` comes first."""
        self._key, self._max_wait_s = key, max_wait_s
        self._by_policy: OrderedIndex[Program] = OrderedIndex()
        self._by_deadline: OrderedIndex[Program] = OrderedIndex()  # empty where waits are not bounded
        self._by_size: OrderedIndex[Program] = OrderedIndex()
        self.turns = 0
        """Turns of all programs in line."""

    def __len__(self) -> int:
        return len(self._by_policy)

    def __contains__(self, program: Program) -> bool:
        return program in self._by_policy

    def __iter__(self) -> Iterator[Program]:
        """The programs in line, in no order."""
        return iter(self._by_policy)

    def join(self, program: Program, turn: Turn) -> None:
        """Add a turn of a program; the program's place follows its new size, its age is that of its first turn in line."""
        if not program.waiting:
            self._set_deadline(program, turn)
        program.waiting.append(turn)
        self.resize(program)
        self.turns += 1

    def resize(self, program: Program) -> None:
        """The size of a program in line has changed."""
        self._by_size.put(program, program.context_tokens)
        self.reorder(program)

    def reorder(self, program: Program) -> None:
        """The policy's key of a program in line has changed."""
        self._by_policy.put(program, self._key(program))

    def leave(self, program: Program) -> list[Turn]:
        """Take a program with all its turns out of the line (nothing happens if it is not in it)."""
        turns, program.waiting = program.waiting, []
        self.turns -= len(turns)
        self._by_policy.discard(program)
        self._by_deadline.discard(program)
        self._by_size.discard(program)
        return turns

    def withdraw(self, turn: Turn) -> None:
        """Take one turn out; its program stays in line while another turn of it waits."""
        program = turn.program
        if program.waiting == [turn]:
            self.leave(program)
            return
        program.waiting.remove(turn)
        self._set_deadline(program, program.waiting[0])
        self.reorder(program)
        self.turns -= 1

    def place(self, program: Program) -> tuple[float, ...]:
        """What programs in line are ordered by, lower first."""
        key = self._key(program)
        return key if isinstance(key, tuple) else (key,)

    def first(self) -> Program | None:
        """The first in the policy's order."""
        return self._by_policy.first()

    def smallest(self) -> Program | None:
        """The program with the shortest context."""
        return self._by_size.first()

    def overdue(self, now: float) -> Program | None:
        """The program that has waited longest, if that is too long."""
        return self._by_deadline.first_due(now)

    def deadline_s(self) -> float:
        """When the oldest in line will have waited too long; infinite: never."""
        deadline_s: float = self._by_deadline.first_key(math.inf)
        return deadline_s

    def _set_deadline(self, program: Program, first: Turn) -> None:
        if self._max_wait_s is not None:
            self._by_deadline.put(program, first.arrived_s + self._max_wait_s)
