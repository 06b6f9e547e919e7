"""Diagrams of packages show what the code imports; tests/docs/test_site.py draws them all."""

from __future__ import annotations

import pytest

from tests.docs.diagrams import Diagram, diagrams
from tests.docs.imports import graph, imports_between

OF_IMPORTS = [diagram for diagram in diagrams() if "%% compared with imports" in diagram.text]


@pytest.mark.parametrize("diagram", OF_IMPORTS, ids=str)
def test_arrows_between_packages_are_imports_and_no_import_between_them_is_left_out(diagram: Diagram) -> None:
    packages = set().union(*diagram.nodes.values())
    assert packages <= graph().modules
    assert diagram.arrows == imports_between(diagram.nodes)


def test_some_diagrams_are_compared() -> None:
    assert {diagram.document for diagram in OF_IMPORTS} == {"docs/architecture.md"}
