"""Disagreements with the reference that were mistakes of the scheduler: one test for each."""

from __future__ import annotations

from tests.core.driver import Driver
from thunderagent.core import TrPolicy, TurnCancelled


def test_a_parked_program_is_as_long_as_the_longest_of_its_waiting_turns() -> None:
    """The last one to come counted: a program got in as a short one and ran as a long one."""
    driver = Driver(TrPolicy(), a=10_000)
    driver.arrive("running", 5_000)
    long, short = driver.arrive("p", 6_000), driver.arrive("p", 1_000)
    assert driver.parked(short)
    driver.send(TurnCancelled(long))
    assert driver.admitted_to(short) == "a"
