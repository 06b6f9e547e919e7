"""When each program will run: what its sandbox is prepared by."""

from __future__ import annotations

import pytest

from tests.core.driver import Driver
from thunderagent.core import CapPolicy, DefaultPolicy, Policy, ThunderPolicy, TrPolicy


@pytest.mark.parametrize("policy", [ThunderPolicy(), TrPolicy(), CapPolicy(programs_per_backend=1)])
def test_whoever_was_admitted_comes_first_then_the_line_then_who_is_not_known(policy: Policy) -> None:
    driver = Driver(policy, a=10_000)
    driver.arrive("running", 8_000)
    waiting = [f"waiting {number}" for number in range(4)]
    for number, program_id in enumerate(waiting):
        driver.now += 1.0
        driver.arrive(program_id, 6_000 - 500 * number)
    line = [explanation.program_id for explanation in driver.scheduler.explain_all()]
    assert sorted(line) == waiting
    assert sorted([*waiting, "unknown", "running"], key=driver.scheduler.rank) == ["running", *line, "unknown"]


def test_a_program_between_two_turns_is_admitted() -> None:
    driver = Driver(DefaultPolicy(), a=10_000)
    driver.turn("p", 100)
    assert driver.scheduler.rank("p") < driver.scheduler.rank("nobody")
    driver.release("p")
    assert driver.scheduler.rank("p") == driver.scheduler.rank("nobody")
