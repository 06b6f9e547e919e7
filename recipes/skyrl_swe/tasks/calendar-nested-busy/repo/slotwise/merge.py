"""Merging of busy times."""
from __future__ import annotations

from collections.abc import Iterable

from .span import Span


def merge_spans(spans: Iterable[Span]) -> list[Span]:
    """Return the shortest sorted list of spans that covers the same time."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda item: item.start):
        if merged and merged[-1].touches(span):
            merged[-1] = Span(merged[-1].start, span.end)
        else:
            merged.append(span)
    return merged


def gaps_between(spans: Iterable[Span]) -> list[Span]:
    """Return the time between neighbouring spans of a merged list."""
    ordered = list(spans)
    return [
        Span(before.end, after.start)
        for before, after in zip(ordered, ordered[1:])
        if before.end < after.start
    ]


def total_minutes(spans: Iterable[Span]) -> int:
    """Return how many minutes are covered, counting shared time once."""
    return sum(int(span.length.total_seconds()) // 60 for span in merge_spans(spans))
