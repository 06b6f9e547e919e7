"""``cap`` runs a fixed number of programs per backend, whole runs each."""

from __future__ import annotations

from tests.core.driver import Driver
from thunderagent.core import CapPolicy, Park, ParkReason


def test_a_program_holds_its_slot_through_tool_calls_until_it_is_released() -> None:
    driver = Driver(CapPolicy(programs_per_backend=2), a=10_000)
    driver.turn("p", 9_000)
    driver.turn("q", 9_000)
    waiting = driver.arrive("r", 10)
    assert driver.kinds(Park) == [Park(waiting, ParkReason.NO_SLOT)]
    assert driver.admitted_to(driver.arrive("p", 9_500)) == "a"
    driver.release("q")
    assert driver.admitted_to(waiting) == "a"


def test_slots_are_given_in_order_of_birth_over_all_backends() -> None:
    driver = Driver(CapPolicy(programs_per_backend=1), a=100, b=100)
    turns = [driver.arrive(f"p{i}", 10) for i in range(4)]
    assert [driver.admitted_to(turn) for turn in turns[:2]] == ["a", "b"]
    driver.release("p0")
    assert driver.admitted_to(turns[2]) == "a"
    assert driver.parked(turns[3])
    assert driver.scheduler.policy.free_tokens(driver.backend("a"), 0.0) == 0
    driver.release("p2")
    driver.release("p3")
    assert driver.scheduler.policy.free_tokens(driver.backend("a"), 0.0) == float("inf")
