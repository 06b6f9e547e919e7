"""The waiting line knows who is next by policy, by age and by size."""

from __future__ import annotations

from thunderagent.core import TrPolicy
from thunderagent.core.program import Program
from thunderagent.core.turn import Turn
from thunderagent.core.waiting import WaitingLine


def turn(turn_id: int, program: Program, arrived_s: float) -> Turn:
    return Turn(turn_id, program, 0, 0, 0, arrived_s)


def line(max_wait_s: float | None) -> WaitingLine:
    return WaitingLine(TrPolicy().line_key, max_wait_s)


def test_a_program_stays_in_line_while_another_turn_of_it_waits() -> None:
    waiting, program = line(None), Program("p", birth=0)
    first, second = turn(1, program, 0.0), turn(2, program, 5.0)
    waiting.join(program, first)
    waiting.join(program, second)
    waiting.withdraw(first)
    assert (len(waiting), waiting.turns, program.waiting) == (1, 1, [second])
    waiting.withdraw(second)
    assert (len(waiting), waiting.turns, waiting.first()) == (0, 0, None)


def test_the_shortest_is_first_and_the_oldest_is_overdue_when_it_has_waited_too_long() -> None:
    waiting = line(10.0)
    long, short = Program("long", birth=0, context_tokens=900), Program("short", birth=1, context_tokens=100)
    waiting.join(long, turn(1, long, 0.0))
    waiting.join(short, turn(2, short, 1.0))
    assert waiting.first() is waiting.smallest() is short
    assert waiting.overdue(9.9) is None
    assert waiting.overdue(10.0) is long
    assert waiting.deadline_s() == 10.0


def test_nobody_is_overdue_when_waits_are_not_bounded() -> None:
    waiting, program = line(None), Program("p", birth=0)
    waiting.join(program, turn(1, program, 0.0))
    assert waiting.overdue(1e12) is None


def test_places_are_in_the_order_of_the_line() -> None:
    waiting = line(None)
    long, short = Program("long", birth=0, context_tokens=900), Program("short", birth=1, context_tokens=100)
    for number, program in enumerate((long, short)):
        waiting.join(program, turn(number, program, 0.0))
    assert waiting.place(short) < waiting.place(long)


def test_a_place_is_a_tuple_whatever_the_policy_orders_by() -> None:
    program = Program("p", birth=0)
    for key, place in ((3.0, (3.0,)), ((1.0, 2.0), (1.0, 2.0))):
        assert WaitingLine(lambda program, key=key: key, None).place(program) == place
