"""What an import leaves out or assumes, told to the user in a few sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from thunderagent.simulation.traces.fields import BadRecord, Record

T = TypeVar("T")

LISTED = 5
"""Examples that a note lists; who mends a file sees the kinds of damage in them."""
NAME_CHARACTERS = 40
"""Of a field's name in a note: real ones are shorter."""


class ImportLog:
    """One per import."""

    def __init__(self) -> None:
        self.lines = 0
        self.empty_lines = 0
        self.broken_lines = 0
        self._reasons: list[str] = []
        self._unknown: Counter[str] = Counter()
        self._counted: Counter[tuple[str, str]] = Counter()

    def broken(self, where: str, reason: object) -> None:
        """A line that could not be used, such as ``line 3``."""
        self.broken_lines += 1
        if len(self._reasons) < LISTED:
            self._reasons.append(f"{where}: {reason}")

    def parsed(self, records: Iterable[Record], parse: Callable[[Record], T]) -> Iterator[T]:
        """What ``parse`` makes of each record; those that it refuses are broken."""
        for record in records:
            try:
                made = parse(record)
            except BadRecord as error:
                self.broken(record.where, error)
            except RecursionError:
                self.broken(record.where, "nested too deeply")
            else:
                yield made

    def ignored_fields(self, records: Iterable[Record], known: frozenset[str]) -> None:
        """Fields of another name than these are not read."""
        for record in records:
            self._unknown.update(name for name in record.fields if name not in known)

    def count(self, one: str, many: str = "") -> None:
        """Something that happened once more: a sentence for one, and for more with ``{}`` for the number."""
        self._counted[one, many or one] += 1

    def reasons(self) -> str:
        """The first broken lines and why; empty if there are none."""
        more = self.broken_lines - len(self._reasons)
        return "; ".join(self._reasons) + (f"; and {more} more" if more else "")

    def notes(self) -> tuple[str, ...]:
        """Everything, most important first."""
        notes = []
        if self.broken_lines:
            notes.append(f"{self.broken_lines} of {self.lines} lines could not be used: {self.reasons()}")
        notes += [one if number == 1 else many.format(number) for (one, many), number in self._counted.items()]
        if self._unknown:
            names = [ascii(name[:NAME_CHARACTERS]) for name in list(self._unknown)[:LISTED]]
            more = len(self._unknown) - len(names)
            notes.append(f"fields that are not read: {', '.join(names)}" + (f" and {more} more" if more else ""))
        if self.empty_lines:
            notes.append("1 empty line" if self.empty_lines == 1 else f"{self.empty_lines} empty lines")
        return tuple(notes)
