"""The transition table says every step, and nothing else is possible."""

from __future__ import annotations

import pytest

from thunderagent.core.program import TRANSITIONS, Program, Status, Step
from thunderagent.errors import IllegalTransition


def test_every_step_of_the_table_is_taken() -> None:
    for (status, step), following in TRANSITIONS.items():
        program = Program("p", birth=0, status=status)
        program.take(step)
        assert program.status is following


def test_an_illegal_step_names_the_program_its_state_and_the_step() -> None:
    program = Program("p", birth=0, status=Status.TERMINATED)
    with pytest.raises(IllegalTransition, match="'p' in state terminated has no step admit"):
        program.take(Step.ADMIT)
    assert program.status is Status.TERMINATED


def test_every_living_status_can_be_left_by_release_and_the_dead_one_by_nothing() -> None:
    for status in Status:
        releasable = (status, Step.RELEASE) in TRANSITIONS
        assert releasable == (status is not Status.TERMINATED)
    assert not any(status is Status.TERMINATED for status, _ in TRANSITIONS)
