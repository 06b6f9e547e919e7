"""The page on the scheduler says what the code does: its diagram, the keys of each policy, the tests that it names."""

from __future__ import annotations

import ast
import inspect
import re
from collections import Counter
from pathlib import Path

from thunderagent.config import MODES, ThunderConfig
from thunderagent.core.program import TRANSITIONS, Status

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "scheduler.md").read_text(encoding="utf-8")
ANY_STATE = "known"
"""The frame of the diagram: an arrow from it is one from every state in it."""


def test_the_diagram_has_the_steps_of_the_table_and_no_others() -> None:
    (diagram,) = re.findall(r"```mermaid\n(.*?)```", PAGE, re.DOTALL)
    drawn = Counter(
        (source, step, target)
        for origin, target, steps in re.findall(r"(\w+) --> (\w+): (.+)", diagram)
        for step in steps.split(", ")
        for source in ([one.name for one in Status if one is not Status.TERMINATED] if origin == ANY_STATE else [origin])
    )
    assert drawn == Counter((before.name, step.value, after.name) for (before, step), after in TRANSITIONS.items())


def test_every_state_is_explained() -> None:
    assert set(re.findall(r"(?m)^\| ([A-Z]+) \|", PAGE)) == {status.name for status in Status}


def test_the_keys_of_each_policy_are_those_of_the_settings() -> None:
    told = {key: set(re.findall(r"`(\w+)`", of)) for key, of in re.findall(r"(?m)^\| `(\w+)` \| ((?:`\w+`(?:, )?)+) \|", PAGE)}
    assert told == _policies_of_keys() | {"max_wait_s": {"thunder", "tr"}}


def test_the_tests_that_show_something_exist() -> None:
    named = re.findall(r"`(tests/[\w/.]+)`", PAGE)
    assert named
    assert all((ROOT / name).exists() for name in named)


def _policies_of_keys() -> dict[str, set[str]]:
    """Which policies a setting is said to be for, where it is for some only."""
    (definition,) = ast.parse(inspect.getsource(ThunderConfig)).body
    assert isinstance(definition, ast.ClassDef)
    found: dict[str, set[str]] = {}
    for field, said in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(said, ast.Expr):
            assert isinstance(said.value, ast.Constant)
            for_whom = re.match(r"((?:``\w+``(?:, )?)+):", str(said.value.value))
            policies = set(re.findall(r"\w+", for_whom[1])) & set(MODES) if for_whom else set()
            if policies:
                found[field.target.id] = policies
    return found
