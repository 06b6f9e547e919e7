"""Hydra's groups, from ``configs/``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml

from scripts.marked import ROOT
from scripts.pages.keys import shown
from scripts.pages.markdown import code, table

NO_GROUPS = ("slime",)
"""A file for slime's own command line."""
APPENDED = ("thunder",)
"""Groups that no recipe chooses by itself."""
OVERRIDE = re.compile(r"(?<!\S)([a-z_.]+=[^\s;,]+)")


def groups(recipes: Sequence[str]) -> Iterator[str]:
    """What there is to choose, and what is chosen where nothing is said."""
    files = [file for file in sorted((ROOT / "configs").glob("*/*.yaml")) if file.parent.name not in NO_GROUPS]
    yield from ("## Groups", "", "Of recipes. `GROUP=OPTION` chooses; every key can be set besides.", "")
    yield from table(("option", "sets", ""), map(_row, files))
    names = [name for name in dict.fromkeys(file.parent.name for file in files) if name not in APPENDED]
    yield from ("Chosen where nothing is said:", "")
    yield from table(("recipe", *map(code, names)), (_chosen(recipe, names) for recipe in recipes))


def _row(file: Path) -> tuple[str, str, str]:
    group = file.parent.name
    comments = takewhile(lambda line: line.startswith("#"), file.read_text(encoding="utf-8").splitlines())
    said = " ".join(line.removeprefix("#").strip() for line in comments)
    sets = ", ".join(code(f"{group}.{key}={shown(value)}") for key, value in _read(file).items())
    return code(f"{'+' if group in APPENDED else ''}{group}={file.stem}"), sets, OVERRIDE.sub(r"`\1`", said)


def _chosen(recipe: str, names: Sequence[str]) -> tuple[str, ...]:
    entries = [entry for entry in _read(ROOT / "configs" / f"{recipe}.yaml")["defaults"] if isinstance(entry, dict)]
    chosen = {group: option for entry in entries for group, option in entry.items()}
    return code(f"recipes.{recipe}"), *(code(chosen.get(name, "")) for name in names)


def _read(file: Path) -> dict[str, Any]:
    read = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert isinstance(read, dict)
    return read
