"""The diagrams of the documents that show code show what it is; tests/docs/test_site.py draws them all."""

from __future__ import annotations

import pytest

from tests.docs.diagrams import Diagram, diagrams
from tests.docs.imports import graph, imports_between
from thunderagent.core.program import TRANSITIONS, Status, Step

OF_IMPORTS = [diagram for diagram in diagrams() if "%% compared with imports" in diagram.text]
OF_STATES = [diagram for diagram in diagrams() if "%% compared with the table of transitions" in diagram.text]


@pytest.mark.parametrize("diagram", OF_IMPORTS, ids=str)
def test_arrows_between_packages_are_imports_and_no_import_between_them_is_left_out(diagram: Diagram) -> None:
    packages = set().union(*diagram.nodes.values())
    assert packages <= graph().modules
    assert set(diagram.arrows) == imports_between(diagram.nodes)


@pytest.mark.parametrize("diagram", OF_STATES, ids=str)
def test_the_states_of_a_program_are_those_of_the_table(diagram: Diagram) -> None:
    shown = {(start, end, step) for (start, end), steps in diagram.arrows.items() for step in steps.split(", ")}
    assert shown == {
        (start.name, end.name, step.value)
        for (start, step), end in TRANSITIONS.items()
        if start is not end and step not in (Step.RELEASE, Step.ADOPT, Step.RECOVER)
    }
    released = {start for start, step in TRANSITIONS if step is Step.RELEASE}
    assert released == set(Status) - {Status.TERMINATED}, "as the text says"


def test_some_diagrams_are_compared() -> None:
    assert {diagram.document for diagram in OF_IMPORTS} == {"docs/architecture.md"}
    assert OF_STATES
