"""Profiles as lines of JSONL and of CSV, whose first columns are those of the published system."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

import orjson

from thunderagent.runtime import StepProfile
from thunderagent.runtime.profile import SCHEMA
from thunderagent.runtime.tools.profile import SandboxProfile

Profile = StepProfile | SandboxProfile
ROW_END = b",%d\r\n" % SCHEMA
"""Of CSV: the last column is the schema."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of profiles, and how they are written."""

    name: str
    """Of its files, without their ends."""
    columns: tuple[str, ...]
    values_of: Callable[[Any], tuple[Any, ...]]
    """Of one profile, without the schema."""
    has_flags: bool
    """CSV has always called them True and False, other than JSON does."""
    template: bytes
    """Of a line of JSONL."""

    @classmethod
    def of(cls, profile: type[Profile], name: str) -> Kind:
        """That of a dataclass."""
        names = [field.name for field in fields(profile)]
        template = b"{%b}\n" % b",".join([b'"%b":%%b' % name.encode() for name in names] + [b'"schema":%d' % SCHEMA])
        flags = any(field.type == "bool" for field in fields(profile))
        return cls(name, (*names, "schema"), attrgetter(*names), flags, template)

    @property
    def header(self) -> bytes:
        """The first line of CSV."""
        return _row(self.columns)

    def lines(self, profiles: Sequence[Profile]) -> tuple[bytes, bytes]:
        """JSONL and CSV; what is not known is null there and empty here.

        Raises:
            TypeError: one of them has an id that cannot be written (half a character).
        """
        values = list(map(self.values_of, profiles))
        return self._quick(values) or self._careful(values)

    def _quick(self, values: list[tuple[Any, ...]]) -> tuple[bytes, bytes] | None:
        """Both from one list of lists, a third of the time; None: texts have commas, quotes or the like in them."""
        lists = orjson.dumps(values)
        if self.has_flags or b"\\" in lists or lists.count(b",") != len(values) * (len(self.columns) - 1) - 1:
            return None
        plain = lists[2:-2]
        rows = plain.replace(b"],[", ROW_END).replace(b",null", b",").replace(b'"', b"") + ROW_END
        return self.template * len(values) % tuple(plain.replace(b"],[", b",").split(b",")), rows

    def _careful(self, values: list[tuple[Any, ...]]) -> tuple[bytes, bytes]:
        values = [(*each, SCHEMA) for each in values]
        records = [dict(zip(self.columns, each, strict=True)) for each in values]
        jsonl = b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records)
        return jsonl, b"".join(map(_row, values))


def _row(values: Sequence[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow("" if value is None else value for value in values)
    return text.getvalue().encode()


KINDS: dict[type[Profile], Kind] = {
    StepProfile: Kind.of(StepProfile, "profile"),
    SandboxProfile: Kind.of(SandboxProfile, "sandboxes"),
}
CSV_COLUMNS = list(KINDS[StepProfile].columns)
"""Of ``profile.csv``, in order; the first eight are those of the published system."""
