"""The published tick, kept to be compared with."""

from __future__ import annotations

from tests.core.driver import Driver
from thunderagent.core import BackendJoined, BackendLeft, CapacityChanged, Status, TrPolicy, WeightSyncBegan, WeightSyncEnded


def driver(**capacities: int | None) -> Driver:
    return Driver(TrPolicy.published(), **capacities)


def test_a_new_program_alone_in_line_starts_at_once_and_everybody_else_waits_for_the_tick() -> None:
    d = driver(a=10_000)
    first = d.arrive("first", 4_000)
    assert d.admitted_to(first) == "a"
    large, small = d.arrive("large", 8_000), d.arrive("small", 1_000)
    assert d.parked(large)
    assert d.parked(small)
    d.wait(4.9)
    assert d.parked(small), "it would fit, but the engine idles until the tick (defect 16)"
    d.wait(0.1)
    assert d.admitted_to(small) == "a"
    assert d.parked(large)


def test_pauses_are_decided_at_ticks_too() -> None:
    d = driver(a=10_000)
    d.turn("small", 3_000)
    d.arrive("large", 6_000)
    d.send(CapacityChanged("a", 7_000))
    assert d.program("small").status is Status.ACTING
    d.wait(5.0)
    assert d.program("small").status is Status.PAUSED


def test_what_is_selected_for_the_summed_space_is_placed_largest_first_where_most_is_free() -> None:
    d = driver(a=6_000, b=10_000)
    blocker, other = d.arrive("blocker", 5_500), d.arrive("other", 8_500)
    assert (d.admitted_to(other), d.admitted_to(blocker)) == (None, "b")
    d.wait(5.0)
    turns = {size: d.arrive(f"p{size}", size) for size in (1_000, 2_000, 5_000)}
    d.release("other")
    d.wait(5.0)
    assert [d.admitted_to(turns[size]) for size in (5_000, 2_000, 1_000)] == ["a", "b", "b"]


def test_a_selected_program_that_no_backend_can_take_alone_stays_in_line() -> None:
    d = driver(a=5_000, b=5_000)
    d.arrive("x", 3_000)
    d.arrive("y", 3_000)
    split = d.arrive("split", 3_000)
    d.wait(5.0)
    assert d.parked(split)


def test_programs_between_turns_are_resumed_ahead_of_their_turn_when_nobody_waits() -> None:
    d = driver(a=10_000)
    d.turn("back", 3_000)
    d.turn("gone", 2_000)
    d.turn("held", 1_000)
    d.arrive("large", 3_500)
    d.send(CapacityChanged("a", 4_000))
    d.wait(5.0)
    assert {d.program(name).status for name in ("back", "gone", "held")} == {Status.PAUSED}
    d.send(WeightSyncBegan())
    held = d.arrive("held", 1_100)
    d.wait(5.0)
    d.send(WeightSyncEnded())
    d.release("gone")
    d.send(CapacityChanged("a", 10_000))
    d.wait(5.0)
    assert d.admitted_to(held) == "a"
    assert d.program("back").status is Status.ACTING
    assert d.admitted_to(d.arrive("back", 3_100)) == "a"


def test_a_paused_program_too_large_for_what_is_left_stays_paused() -> None:
    d = driver(a=10_000)
    d.turn("p", 6_000)
    d.arrive("running", 3_500)
    d.send(CapacityChanged("a", 5_000))
    d.wait(5.0)
    assert d.program("p").status is Status.PAUSED
    d.wait(5.0)
    assert d.program("p").status is Status.PAUSED


def test_a_paused_program_that_fits_the_summed_space_but_no_backend_stays_paused() -> None:
    d = driver(a=10_000, b=9_000)
    d.turn("p", 6_000)
    d.arrive("on_b", 5_000)
    d.arrive("on_a", 3_500)
    d.send(CapacityChanged("a", 5_000))
    d.wait(5.0)
    d.send(CapacityChanged("a", 7_000))
    d.wait(5.0)
    assert d.program("p").status is Status.PAUSED


def test_a_program_whose_backend_died_in_its_turn_is_not_resumed_ahead() -> None:
    d = driver(a=10_000)
    d.turn("p", 6_000)
    d.arrive("running", 3_500)
    d.send(CapacityChanged("a", 5_000))
    d.wait(5.0)
    d.send(BackendLeft("a"))
    d.wait(5.0)
    assert d.program("p").status is Status.PAUSED
    d.send(BackendJoined("c", 10_000))
    d.wait(5.0)
    assert d.program("p").status is Status.ACTING
    assert d.program("running").status is Status.PAUSED


def test_whoever_waited_for_half_an_hour_is_forced_in_at_a_tick() -> None:
    d = driver(a=10_000)
    d.arrive("running", 9_000)
    huge = d.arrive("huge", 50_000)
    d.wait(1_799.0)
    assert d.parked(huge)
    d.wait(6.0)
    assert d.admitted_to(huge) == "a"
    assert d.scheduler.counters.forced == 1


def test_between_ticks_a_program_that_ran_before_waits_even_alone() -> None:
    d = driver(a=10_000)
    d.turn("p", 6_000)
    d.arrive("running", 3_500)
    d.send(CapacityChanged("a", 5_000))
    d.wait(5.0)
    d.send(CapacityChanged("a", 50_000))
    assert d.parked(d.arrive("p", 6_100))
    d.send(WeightSyncBegan())
    d.wait(20.0)
    assert d.parked(3)
