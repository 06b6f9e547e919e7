"""The waiting line knows who is next by policy and by age."""

from __future__ import annotations

from thunderagent.core import TrPolicy
from thunderagent.core.program import Program
from thunderagent.core.waiting import WaitingLine


def test_a_program_stays_in_line_while_another_turn_of_it_waits() -> None:
    line = WaitingLine(TrPolicy())
    program = Program("p", birth=0)
    line.join(program, 1, now=0.0)
    line.join(program, 2, now=5.0)
    line.withdraw(program, 1)
    assert (len(line), line.turns, program.waiting) == (1, 1, [2])
    line.withdraw(program, 2)
    assert (len(line), line.turns, line.next(0.0)) == (0, 0, None)


def test_the_shortest_is_next_until_the_oldest_has_waited_too_long() -> None:
    line = WaitingLine(TrPolicy(max_wait_s=10.0))
    line.join(Program("long", birth=0, context_tokens=900), 1, now=0.0)
    line.join(Program("short", birth=1, context_tokens=100), 2, now=1.0)
    assert line.next(9.9) == "short"
    assert line.next(10.0) == "long"
    assert line.deadline_s() == 10.0


def test_nobody_is_overdue_when_waits_are_not_bounded() -> None:
    line = WaitingLine(TrPolicy(max_wait_s=None))
    line.join(Program("p", birth=0), 1, now=0.0)
    assert line.overdue(1e12) is None
