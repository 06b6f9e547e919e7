"""The versions on the page on compatibility are those of the lock files and of pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
ROWS = [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| ")]
PINNED = [(row[1], row[2]) for row in ROWS if len(row) > 2 and "==" in row[1]]
ALLOWED = [(row[1].partition("==")[0], row[3]) for row in ROWS if len(row) > 3 and re.match(r"[=><]=?\d", row[3])]


@pytest.mark.parametrize(
    ("pin", "lock"), [*PINNED, *((pin, "scripts/locks/peers.lock.txt") for pin in re.findall(r"`(\S+-router==\S+)`", PAGE))]
)
def test_what_was_tested_is_what_is_locked(pin: str, lock: str) -> None:
    assert pin in (ROOT / lock).read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(("name", "allowed"), ALLOWED)
def test_what_is_allowed_is_what_the_project_asks_for(name: str, allowed: str) -> None:
    assert _asked_for()[_plain(name)] == {allowed}


def test_the_tables_were_found() -> None:
    assert len(PINNED) > 20
    assert len(ALLOWED) > 15


def test_the_python_and_the_schemas_are_those_that_are_used() -> None:
    assert f"| Python | `{_project()['requires-python']}`" in PAGE
    (schemas,) = re.findall(r"schemas of ([\d.]+), ([\d.]+) and ([\d.]+)", PAGE)
    assert re.findall(r'"(1\.\d+)"', (ROOT / "tests/deploy/test_chart.py").read_text(encoding="utf-8"))[:3] == list(schemas)


def _project() -> dict[str, object]:
    found: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


def _asked_for() -> dict[str, set[str]]:
    """The ranges of each package in all extras."""
    extras = _project()["optional-dependencies"]
    assert isinstance(extras, dict)
    ranges: dict[str, set[str]] = defaultdict(set)
    for requirement in (one for extra in extras.values() for one in extra):
        found = re.match(r"([\w.-]+)(?:\[.*\])?([=><][^;]*)?", requirement)
        assert found, requirement
        if found[2]:
            ranges[_plain(found[1])].add(found[2].strip())
    return ranges


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")
