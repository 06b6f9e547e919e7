"""Profiles as lines: of CSV, whose first columns are those of the published system, and of JSONL.

At full load this is most of what profiles cost, so that steps have a short way.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

import orjson

from thunderagent.runtime import StepProfile
from thunderagent.runtime.profile import SCHEMA
from thunderagent.runtime.tools.profile import SandboxProfile

Profile = StepProfile | SandboxProfile
Values = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of profiles, and its two files."""

    name: str
    """Of the files, without their ends."""
    columns: tuple[str, ...]
    values_of: Callable[[Any], Values]
    """Of one profile, without the schema."""
    row_of: Callable[[Values], bytes]
    """A line of CSV."""

    @property
    def header(self) -> bytes:
        """The first line of CSV."""
        return careful_row(self.columns)

    def lines(self, profile: Profile) -> tuple[bytes, bytes]:
        """JSONL and CSV; what is not known is null there and empty here.

        Raises:
            TypeError: an id is no text that can be written (half a character, an integer beyond all bounds).
        """
        values = (*self.values_of(profile), SCHEMA)
        fields_ = dict(zip(self.columns, values, strict=True))
        return orjson.dumps(fields_, option=orjson.OPT_APPEND_NEWLINE), self.row_of(values)


def careful_row(values: Values) -> bytes:
    """Any values, quoted where they need it."""
    text = io.StringIO()
    csv.writer(text).writerow("" if value is None else value for value in values)
    return text.getvalue().encode()


def quick_row(values: Values) -> bytes:
    """The same in a quarter of the time, for values without booleans: a JSON list without its signs, where no text has any."""
    row = orjson.dumps(values)
    if row.count(b",") != len(values) - 1 or b"\\" in row:
        return careful_row(values)
    return row[1:-1].replace(b",null", b",").replace(b'"', b"") + b"\r\n"


def _kind(of: type[Profile], name: str, row_of: Callable[[Values], bytes]) -> Kind:
    names = [field.name for field in fields(of)]
    return Kind(name, (*names, "schema"), attrgetter(*names), row_of)


KINDS: dict[type[Profile], Kind] = {
    StepProfile: _kind(StepProfile, "profile", quick_row),
    SandboxProfile: _kind(SandboxProfile, "sandboxes", careful_row),
}
CSV_COLUMNS = list(KINDS[StepProfile].columns)
"""Of ``profile.csv``, in order; the first eight are those of the published system."""
