"""Agendas and their text format."""
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from .span import Span

_LINE = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d) (?P<start>\d\d:\d\d)"
    r"-(?:(?P<last>\d{4}-\d\d-\d\d) )?(?P<end>\d\d:\d\d)(?:\s+(?P<title>.*))?$"
)


class AgendaError(ValueError):
    """A line of an agenda that cannot be read."""


@dataclass(frozen=True)
class Event:
    """Something that keeps a person busy."""

    span: Span
    title: str = ""


@dataclass
class Agenda:
    """The events of one person."""

    owner: str = ""
    events: list[Event] = field(default_factory=list)

    def busy(self) -> Iterator[Span]:
        """Yield the busy times in the order of the agenda."""
        return (event.span for event in self.events)


def parse_time(text: str) -> datetime:
    """Read a time such as `2024-05-06 09:30`."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M")


def parse_agenda(text: str, owner: str = "") -> Agenda:
    """Read an agenda, one event a line."""
    agenda = Agenda(owner)
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        match = _LINE.match(line)
        if match is None:
            raise AgendaError(f"line {number}: cannot read {line!r}")
        start = parse_time(f"{match['day']} {match['start']}")
        end = parse_time(f"{match['last'] or match['day']} {match['end']}")
        try:
            span = Span(start, end)
        except ValueError as error:
            raise AgendaError(f"line {number}: {error}") from error
        agenda.events.append(Event(span, match["title"] or ""))
    return agenda
