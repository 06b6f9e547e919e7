from __future__ import annotations

from dataclasses import replace

import pytest

from thunderagent.simulation.outcome import FinishedTurn, OpenTurn, Outcome, ProgramSpan

TURN = FinishedTurn(0, False, "engine-0", 0.0, 0.0, 0.0, 1.0, 100, 40, 10, 0.5, "bash")


def turn(program: int, wait_s: float = 0.0, engine: str = "engine-0") -> FinishedTurn:
    return replace(TURN, program=program, engine=engine, started_s=wait_s, ended_s=wait_s + 1.0)


def span(
    number: int, began_s: float = 0.0, ended_s: float | None = None, group: str = "", *, refused: bool = False
) -> ProgramSpan:
    return ProgramSpan(number, f"p-{number}", group, began_s, ended_s, refused)


def outcome(
    *turns: FinishedTurn, programs: list[ProgramSpan] | None = None, waiting: list[OpenTurn] | None = None, since_s: float = 0.0
) -> Outcome:
    """A window that ends at 600 s."""
    return Outcome(since_s, 600.0, 2, turns, waiting or [], 0, 0, programs or [])


def test_a_wait_is_at_the_scheduler_and_in_the_queue_of_the_engine() -> None:
    assert replace(TURN, arrived_s=10.0, admitted_s=13.0, started_s=17.0).wait_s == 7.0


def test_throughput_is_per_hour_of_the_window() -> None:
    assert outcome(*[TURN] * 10, since_s=0.0).turns_per_hour == 60.0
    assert outcome(*[TURN] * 10, since_s=300.0).turns_per_hour == 120.0
    assert outcome(since_s=600.0).turns_per_hour == 0.0


def test_the_hit_rate_is_over_tokens_not_turns() -> None:
    long = replace(TURN, prompt_tokens=300, cached_tokens=0)

    assert outcome(TURN).hit_rate == 0.4
    assert outcome(TURN, long).hit_rate == 0.1


def test_imbalance_is_one_when_all_engines_do_the_same() -> None:
    assert outcome(turn(0, engine="a"), turn(0, engine="b")).imbalance == 1.0
    assert outcome(turn(0, engine="a"), turn(0, engine="a")).imbalance == 2.0  # the other engine did nothing
    assert outcome(turn(0, engine="a"), turn(0, engine="a"), turn(0, engine="b")).imbalance == pytest.approx(4 / 3)


def test_waits_are_ranked_and_lasting_ones_are_among_them() -> None:
    turns = [turn(0, wait_s) for wait_s in (3.0, 1.0, 2.0)]
    lasting = [OpenTurn(1, False, 550.0, None), OpenTurn(2, False, 100.0, 101.0)]

    assert [outcome(*turns).wait_s(share) for share in (0.0, 0.5, 1.0)] == [1.0, 2.0, 3.0]
    starved = outcome(*turns, waiting=lasting)
    assert starved.lasting_waits_s == [50.0]
    assert starved.wait_s(1.0) == 50.0


def test_fairness_is_one_if_all_go_equally_fast_and_one_of_n_if_one_goes_alone() -> None:
    programs = [span(number) for number in range(4)]

    assert outcome(*(turn(number) for number in range(4)), programs=programs).fairness() == 1.0
    assert outcome(turn(0), turn(0), programs=programs).fairness() == 0.25
    assert outcome(programs=programs).fairness() == 1.0


def test_progress_is_per_minute_of_presence() -> None:
    programs = [span(0), span(1, began_s=300.0), span(2, ended_s=120.0)]
    turns = [*[turn(0)] * 10, *[turn(1)] * 10, *[turn(2)] * 10]

    assert outcome(*turns, programs=programs).progress_per_min() == [1.0, 2.0, 5.0]


def test_programs_that_were_hardly_there_have_no_progress_to_tell() -> None:
    programs = [span(0, began_s=541.0), span(1, ended_s=59.0), span(2, began_s=0.0, ended_s=80.0)]
    turns = [turn(0), turn(1), turn(2)]

    assert outcome(*turns, programs=programs, since_s=0.0).progress_per_min() == [60 / 80]
    assert outcome(*turns, programs=programs, since_s=79.0).progress_per_min() == [60 / 59]


def test_a_group_ends_with_its_last_program() -> None:
    programs = [
        span(0, ended_s=50.0, group="b"),
        span(1, ended_s=300.0, group="a"),
        span(2, ended_s=200.0, group="a"),
        span(3, ended_s=40.0, group="going on"),
        span(4, group="going on"),
        span(5, ended_s=90.0, group="going on"),
        span(6, ended_s=10.0),
    ]

    assert outcome(programs=programs).group_ends_s() == [50.0, 300.0]


def test_programs_are_over_or_refused_within_the_window() -> None:
    programs = [
        span(0, ended_s=50.0),
        span(1, ended_s=60.0, refused=True),
        span(2, ended_s=200.0),
        span(3, ended_s=300.0),
        span(4, ended_s=400.0, refused=True),
        span(5),
    ]

    whole, part = outcome(programs=programs), outcome(programs=programs, since_s=100.0)
    assert (whole.programs_done, whole.programs_refused) == (3, 2)
    assert (part.programs_done, part.programs_refused) == (2, 1)
