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
_HELD = COLUMNS.index("held")
_of_program = attrgetter(*FIELDS)


def to_row(kept: Kept) -> tuple[Any, ...]:
    """As it is written."""
    return (*_of_program(kept.program), kept.steps, kept.at_s)


def from_row(row: Sequence[Any]) -> Kept | None:
    """As it was kept; None: no program can be made of it."""
    if not all(map(isinstance, row, _ALLOWED)) or not row[0]:
        return None
    values = list(row)
    values[_HELD] = bool(values[_HELD])
    return Kept(ProgramRecovered(*values[: len(FIELDS)]), values[-2], float(values[-1]))
