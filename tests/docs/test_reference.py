"""The reference pages say what the code says."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import griffe
import pytest

from scripts.pages import cli, configuration, http_api, metrics
from scripts.pages.__main__ import PAGES, written
from thunderagent.adapters.gateway.manage.metrics import FAMILIES
from thunderagent.adapters.gateway.manage.metrics.family import Kind
from thunderagent.cli.commands import COMMANDS
from thunderagent.errors import ConfigError

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PYTHON = (DOCS / "reference" / "python.md").read_text(encoding="utf-8")
DIRECTIVES = dict(re.findall(r"^::: (thunderagent[\w.]*)\n(?:    options: (.*))?", PYTHON, re.MULTILINE))
"""What the site is told to show, and how."""


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_as_the_code(page: str) -> None:
    assert (ROOT / page).read_text(encoding="utf-8") == written(page), "scripts/reference writes it"


def test_every_metric_has_a_place() -> None:
    assert {family for _, families in metrics.SECTIONS for family in families} == set(FAMILIES)
    assert set(metrics.BUCKETS) == {family for family in FAMILIES if family.kind is Kind.HISTOGRAM}


def test_every_group_of_endpoints_has_a_place() -> None:
    assert http_api.ungrouped() == set()


def test_every_command_and_every_key_of_recipes_has_a_place() -> None:
    told = "\n".join(cli.lines())
    assert all(f"## `thunderagent {name}`" in told for name in COMMANDS)
    page = (DOCS / "configuration.md").read_text(encoding="utf-8")
    for recipe in configuration.RECIPES.values():
        for key in _keys(recipe(), ""):
            section, _, name = key.partition(".")
            assert f"| `{name if section in configuration.SHARED else key}` |" in page, key


def _keys(config: Any, prefix: str) -> list[str]:
    keys: list[str] = []
    for field in fields(config):
        value = getattr(config, field.name)
        if is_dataclass(value):
            keys += _keys(value, f"{prefix}{field.name}.")
        elif field.repr:
            keys.append(prefix + field.name)
    return keys


def test_the_errors_that_are_shown_are_those_that_come() -> None:
    page = (DOCS / "configuration.md").read_text(encoding="utf-8")
    recipe = configuration.RECIPES["serve"]()
    recipe.scheduling.order = "newest"
    with pytest.raises(ConfigError) as raised:
        recipe.validate()
    assert f"\nerror: {raised.value}\n" in page


def test_everything_on_the_python_page_says_what_it_is() -> None:
    """As the site reads it: nothing is imported."""
    shown = dict.fromkeys(_offered_by_page(), "") | DIRECTIVES
    for path, options in shown.items():
        named = _defined(path)
        methods = named.functions.values() if named.is_class and "members: " not in options else ()
        silent = [one.path for one in (named, *methods) if not one.name.startswith("_") and not one.has_docstring]
        assert silent == []


@pytest.mark.parametrize("name", ["client", "core", "runtime", "runtime.tools", "adapters.skyrl", "adapters.slime", "errors"])
def test_what_a_public_module_offers_is_on_the_python_page(name: str) -> None:
    path = f"thunderagent.{name}"
    assert set(_offered(path)) <= {*_offered_by_page(), *DIRECTIVES}


def _offered_by_page() -> list[str]:
    """What the site shows of the modules that are named, unless told to show no members."""
    return [name for path, options in DIRECTIVES.items() if "members: false" not in options for name in _offered(path)]


@cache
def _module(path: str) -> griffe.Module | None:
    """None: there is no such module."""
    stem = ROOT.joinpath(*path.split("."))
    file = next((file for file in (stem / "__init__.py", stem.with_suffix(".py")) if file.is_file()), None)
    return None if file is None else griffe.visit(path, file, file.read_text(encoding="utf-8"))


def _offered(path: str) -> list[str]:
    """What is public in a module; nothing, if it is none."""
    module = _module(path)
    if module is None:
        return []
    defined = (name for name, one in module.members.items() if not one.is_alias and one.is_public and not one.is_attribute)
    return [f"{path}.{name}" for name in (defined if module.exports is None else module.exports)]


def _defined(path: str) -> griffe.Object | griffe.Alias:
    """Where it is defined, not where it is offered."""
    module = _module(path)
    if module is not None:
        return module
    parent, _, name = path.rpartition(".")
    offering = _module(parent)
    assert offering is not None, path
    member = offering.members[name]
    return _defined(member.target_path) if isinstance(member, griffe.Alias) else member
