"""The line of programs whose turns are held back: one order by policy, one by age."""

from __future__ import annotations

from collections.abc import Iterator

from thunderagent.core.index import OrderedIndex
from thunderagent.core.policies import Policy
from thunderagent.core.program import Program


class WaitingLine:
    """Parked programs. Joining, leaving and asking who is next cost O(log n)."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._by_policy = OrderedIndex()
        self._by_age = OrderedIndex()
        self._since_s: dict[str, float] = {}
        self.turns = 0
        """Turns of all programs in line."""

    def __len__(self) -> int:
        return len(self._by_policy)

    def __iter__(self) -> Iterator[str]:
        """Ids of the programs in line, in no order."""
        return iter(self._by_policy)

    def join(self, program: Program, turn_id: int, now: float) -> None:
        """Add a turn of a program; the program's place follows its new size, its age is that of its first turn in line."""
        if not program.waiting:
            self._since_s[program.id] = now
            self._by_age.put(program.id, (now, program.birth))
        program.waiting.append(turn_id)
        self._by_policy.put(program.id, self._policy.resume_key(program))
        self.turns += 1

    def leave(self, program: Program) -> list[int]:
        """Take a program with all its turns out of the line (nothing happens if it is not in it)."""
        turn_ids, program.waiting = program.waiting, []
        self.turns -= len(turn_ids)
        self._by_policy.discard(program.id)
        self._by_age.discard(program.id)
        self._since_s.pop(program.id, None)
        return turn_ids

    def withdraw(self, program: Program, turn_id: int) -> None:
        """Take one turn out; the program stays in line while another turn of it waits."""
        if program.waiting == [turn_id]:
            self.leave(program)
            return
        program.waiting.remove(turn_id)
        self.turns -= 1

    def next(self, now: float) -> str | None:
        """Who is to be admitted next: one that has waited too long, else the first in the policy's order."""
        return self.overdue(now) or self._by_policy.first()

    def overdue(self, now: float) -> str | None:
        """The program that has waited longest, if that is too long."""
        deadline_s = self.deadline_s()
        return self._by_age.first() if deadline_s is not None and now >= deadline_s else None

    def deadline_s(self) -> float | None:
        """When the oldest in line will have waited too long; None: never."""
        oldest = self._by_age.first()
        if oldest is None or self._policy.max_wait_s is None:
            return None
        return self._since_s[oldest] + self._policy.max_wait_s
