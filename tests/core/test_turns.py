"""Turns arrive, run side by side, end, fail and are cancelled."""

from __future__ import annotations

import math

import pytest

from tests.core.driver import Driver
from thunderagent.core import (
    Admit,
    BackendLeft,
    CacheLost,
    CapacityChanged,
    DefaultPolicy,
    FirstToken,
    HealthChanged,
    Progress,
    Status,
    ThunderPolicy,
    TrPolicy,
    TurnArrived,
    TurnCancelled,
    TurnEnded,
    Usage,
    WeightSyncBegan,
)
from thunderagent.errors import ContractError, IllegalEvent


def test_a_resident_program_that_grows_is_sent_at_once_and_the_smallest_idle_one_gives_way() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    driver.turn("small", 2_000)
    driver.turn("large", 3_000)
    driver.turn("growing", 3_000)
    turn = driver.arrive("growing", 6_000)
    assert driver.admitted_to(turn) == "a"
    programs = driver.scheduler.programs
    assert programs["small"].status is Status.PAUSED
    assert programs["large"].status is Status.ACTING
    assert driver.scheduler.counters.pauses == 1


def test_parallel_turns_of_one_program_are_all_tracked() -> None:
    """Defect 6: one phase and one token count per program."""
    driver = Driver(TrPolicy(), a=10_000)
    first, second = driver.arrive("p", 2_000), driver.arrive("p", 1_000)
    assert driver.admitted_to(second) == "a"
    driver.end(first, 2_000, 50)
    assert driver.scheduler.programs["p"].status is Status.REASONING
    driver.end(second, 1_000, 50)
    program = driver.scheduler.programs["p"]
    assert program.status is Status.ACTING
    assert program.context_tokens == 1_050


def test_several_waiting_turns_of_one_program_are_admitted_together() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    driver.arrive("running", 8_000)
    first, second = driver.arrive("p", 6_000), driver.arrive("p", 6_100)
    assert driver.scheduler.waiting_turns == 2
    driver.send(TurnCancelled(first))
    assert driver.scheduler.waiting_turns == 1
    driver.release("running")
    assert driver.admitted_to(second) == "a"
    assert driver.admitted_to(first) is None


def test_exact_usage_is_kept_and_a_failed_turn_keeps_the_prompt() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    driver.send(TurnEnded(driver.arrive("p", 2_000)))
    assert driver.scheduler.programs["p"].context_tokens == 2_000
    driver.end(driver.arrive("p", 2_100), 2_100, 77)
    assert driver.scheduler.programs["p"].context_tokens == 2_177


def test_a_cancelled_running_turn_ends_the_reasoning_phase() -> None:
    """Defect 4: phantom REASONING."""
    driver = Driver(TrPolicy(), a=10_000)
    driver.send(TurnCancelled(driver.arrive("p", 2_000)))
    assert driver.scheduler.programs["p"].status is Status.ACTING


def test_a_cancelled_first_turn_in_line_leaves_no_trace_of_its_program() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    driver.arrive("running", 8_000)
    driver.send(TurnCancelled(driver.arrive("new", 6_000, group="g")))
    assert set(driver.scheduler.programs) == {"running"}
    assert driver.scheduler.waiting_turns == 0


def test_cancelling_the_first_in_line_lets_the_next_one_in() -> None:
    driver = Driver(TrPolicy(), a=12_000)
    driver.turn("old", 7_000)
    driver.arrive("running", 2_000)
    driver.send(CapacityChanged("a", 5_000))
    back, small = driver.arrive("old", 4_999), driver.arrive("small", 1_000)
    assert driver.parked(small)
    driver.send(TurnCancelled(back))
    assert driver.admitted_to(small) == "a"
    assert driver.scheduler.programs["old"].status is Status.PAUSED


def test_events_about_nothing_known_are_counted_and_ignored() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    of_turns = [TurnEnded(99), TurnCancelled(99), FirstToken(99), Progress(99, 5)]
    of_backends = [BackendLeft("x"), CapacityChanged("x", 1), HealthChanged("x", False), CacheLost("x")]
    assert [driver.send(event) for event in (*of_turns, *of_backends)] == [()] * 8
    driver.release("nobody")
    assert driver.scheduler.counters.late_events == 9


def test_a_known_first_token_is_not_late() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    driver.send(FirstToken(driver.arrive("p", 10)))
    assert driver.scheduler.counters.late_events == 0


def test_a_turn_that_grows_while_it_decodes_makes_idle_programs_give_way() -> None:
    driver = Driver(ThunderPolicy(), a=10_000)
    driver.turn("idle", 3_000)
    running = driver.arrive("running", 5_000)
    driver.send(Progress(running, 100))
    assert driver.program("running").context_tokens == 5_100
    assert driver.program("idle").status is Status.ACTING
    driver.send(Progress(running, 2_500))
    assert driver.program("idle").status is Status.PAUSED
    driver.send(Progress(running, 50))
    assert driver.program("running").context_tokens == 7_500


def test_an_event_that_does_not_fit_its_turn_is_rejected_with_both_states_and_changes_nothing() -> None:
    driver = Driver(ThunderPolicy(), a=10_000)
    running, waiting = driver.arrive("p", 8_000), driver.arrive("q", 8_000)
    driver.send(WeightSyncBegan())
    held = driver.arrive("r", 10)
    for event, message in (
        (TurnArrived("x", running, 10), f"TurnArrived: turn {running} is running, it must be new"),
        (TurnArrived("x", waiting, 10), f"TurnArrived: turn {waiting} is waiting, it must be new"),
        (TurnArrived("x", held, 10), f"TurnArrived: turn {held} is held by a weight sync, it must be new"),
        (TurnEnded(waiting), f"TurnEnded: turn {waiting} is waiting, it must be running"),
        (FirstToken(held), f"FirstToken: turn {held} is held by a weight sync, it must be running"),
    ):
        with pytest.raises(IllegalEvent) as caught:
            driver.send(event)
        assert str(caught.value) == message
    assert driver.scheduler.counters.turns == 3
    assert (driver.scheduler.waiting_turns, len(driver.program("p").running)) == (2, 1)


def test_what_is_no_event_is_named() -> None:
    with pytest.raises(ContractError, match="'hello' is no event"):
        Driver(ThunderPolicy()).send("hello")  # type: ignore[arg-type]


def test_an_id_that_is_used_again_after_its_release_is_another_program() -> None:
    driver = Driver(ThunderPolicy(), a=10_000)
    superseded = driver.arrive("p", 1_000)
    driver.release("p")
    driver.arrive("p", 2_000)
    driver.end(superseded, 9_000)
    assert driver.program("p").context_tokens == 2_000
    assert driver.scheduler.counters.late_events == 1


def test_numbers_that_cannot_be_are_counted_and_made_harmless() -> None:
    driver = Driver(ThunderPolicy(), a=10_000)
    turns = [driver.arrive("p", tokens) for tokens in (-5, math.nan, math.inf, 10.7)]  # type: ignore[arg-type]
    assert driver.program("p").context_tokens == 10
    driver.end(turns[0], -3)
    driver.end(turns[1], 20, -1)
    driver.end(turns[2], 20, cached=50)
    driver.send(TurnEnded(turns[3], Usage(30, 5, -1, math.nan)))
    assert driver.scheduler.counters.bad_values == 7
    assert driver.program("p").context_tokens == 35


def test_odd_numbers_beside_the_prompt_are_made_harmless_too() -> None:
    driver = Driver(ThunderPolicy(), a=10_000)
    odd = {"prompt_characters": math.nan, "prompt_images": -1, "prefix": "s", "prefix_tokens": math.inf, "priority": math.nan}
    odd["prefix_characters"] = -2
    assert driver.admitted_to(driver.arrive("p", None, **odd)) == "a"
    program = driver.program("p")
    assert (program.context_tokens, program.shared_tokens, program.priority) == (0, 0, 0)
    assert driver.scheduler.counters.bad_values == 5
    driver.arrive("q", 10, priority=1.0)
    assert driver.program("q").priority == 1


def test_turns_carry_the_order_of_birth_for_the_engines_queue_below_the_callers_priority() -> None:
    driver = Driver(DefaultPolicy(), a=10_000)
    for name, priority in (("first", 0), ("second", 0), ("urgent", -1)):
        driver.arrive(name, 10, priority=priority)
    first, second, urgent = (effect.priority for effect in driver.kinds(Admit))
    assert urgent < first < second
