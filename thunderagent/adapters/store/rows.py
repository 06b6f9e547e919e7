"""Programs as rows of a table: one column for each field of ``ProgramRecovered``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, get_type_hints

from thunderagent.core import ProgramRecovered
from thunderagent.runtime.store import Kept

FIELDS = tuple(field.name for field in fields(ProgramRecovered))
COLUMNS = (*FIELDS, "steps", "at_s")
_HINTS = get_type_hints(ProgramRecovered) | {"steps": int, "at_s": float}
_KINDS: dict[Any, tuple[type, ...]] = {float: (float, int), float | None: (float, int, type(None)), bool: (bool, int)}
"""What SQLite gives back for a field, where that is more than its own type: it knows no booleans, and keeps 1.0 as it likes."""
_ALLOWED = [_KINDS.get(_HINTS[name], _HINTS[name]) for name in COLUMNS]
AT = COLUMNS.index("at_s")
_HELD, _ACTING = COLUMNS.index("held"), COLUMNS.index("acting_s")
_of_program = attrgetter(*FIELDS)


def to_row(kept: Kept) -> tuple[Any, ...]:
    """As it is written."""
    return (*_of_program(kept.program), kept.steps, kept.at_s)


def is_row(row: Sequence[Any]) -> bool:
    """Whether a program can be made of it."""
    return all(map(isinstance, row, _ALLOWED)) and row[0] != ""


def from_row(row: Sequence[Any], time_s: float) -> Kept:
    """As it was kept, its tool call as old as it was at ``time_s``."""
    values = list(row)
    values[_HELD] = bool(values[_HELD])
    if values[_ACTING] is not None:
        values[_ACTING] += max(0.0, time_s - row[AT])
    return Kept(ProgramRecovered(*values[: len(FIELDS)]), row[AT - 1], row[AT])
