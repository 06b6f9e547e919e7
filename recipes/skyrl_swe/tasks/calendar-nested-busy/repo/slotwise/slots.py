"""Search for free time."""
from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from .agenda import Agenda
from .merge import merge_spans
from .span import Span


def free_spans(busy: Iterable[Span], start: datetime, end: datetime) -> list[Span]:
    """Return the parts of the window that no busy span covers."""
    clipped = (span.clip(start, end) for span in busy)
    free = []
    cursor = start
    for span in merge_spans(span for span in clipped if span is not None):
        if cursor < span.start:
            free.append(Span(cursor, span.start))
        cursor = span.end
    if cursor < end:
        free.append(Span(cursor, end))
    return free


def find_slots(
    agendas: Iterable[Agenda], start: datetime, end: datetime, minutes: int
) -> list[Span]:
    """Return the free spans of at least `minutes` that all agendas share."""
    if minutes <= 0:
        raise ValueError("a meeting takes at least one minute")
    busy = [span for agenda in agendas for span in agenda.busy()]
    shortest = timedelta(minutes=minutes)
    return [span for span in free_spans(busy, start, end) if span.length >= shortest]
