"""Runs of KV blocks that are held, found and evicted together, so that a chain of a thousand blocks costs a few steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


class Holding:
    """The blocks that one request holds: some spans from the head on, then fresh ones that have no name yet."""

    __slots__ = ("blocks", "named", "spans")

    def __init__(self) -> None:
        self.blocks = 0
        """How many there are."""
        self.named = 0
        """How many of them, from the head on, are full and were published."""
        self.spans: list[Span] = []


class Span:
    """Consecutive blocks of a chain, all held by the same requests; with nobody left, it is a link of the eviction queue."""

    __slots__ = ("holdings", "names", "next", "previous", "shadow", "size", "start")

    def __init__(self, start: int, names: list[int], size: int) -> None:
        self.start = start
        """Of its first block: the position in the chain."""
        self.names = names
        """One for each block, or none at all: then nothing finds it."""
        self.size = size
        self.holdings: list[Holding] = []
        self.shadow = False
        """Another span has the same content and is found instead. A shadow has one block."""
        self.previous = self.next = self

    def common(self, names: Sequence[int]) -> int:
        """How many of these names, from the first on, are those of its blocks."""
        size = min(self.size, len(names))
        mine = self.names if size == self.size else self.names[:size]
        theirs = names if size == len(names) else names[:size]
        if mine == theirs:
            return size
        return next(index for index in range(size) if mine[index] != theirs[index])

    def cut(self, size: int) -> Span:
        """Let the blocks from ``size`` on become a span of their own, held by the same; it comes right after this one."""
        tail = Span(self.start + size, self.names[size:], self.size - size)
        tail.holdings = self.holdings.copy()
        del self.names[size:]
        self.size = size
        for holding in self.holdings:
            holding.spans.insert(holding.spans.index(self) + 1, tail)
        if not self.holdings:
            EvictionQueue.link(tail, before=self)
        return tail


class EvictionQueue:
    """Spans that nobody holds, the one to be evicted first at the front: a ring of links with a knot where it begins."""

    def __init__(self) -> None:
        self._knot = Span(0, [], 0)

    def __iter__(self) -> Iterator[Span]:
        span = self._knot.next
        while span is not self._knot:
            following = span.next
            yield span
            span = following

    @property
    def first(self) -> Span:
        """The one to be evicted first; there must be one."""
        return self._knot.next

    def append(self, span: Span) -> None:
        """It is evicted after all others."""
        self.link(span, before=self._knot)

    def prepend(self, span: Span) -> None:
        """It is evicted before all others."""
        self.link(span, before=self._knot.next)

    @staticmethod
    def link(span: Span, before: Span) -> None:
        """It is evicted just before another."""
        span.previous, span.next = before.previous, before
        span.previous.next = before.previous = span

    @staticmethod
    def remove(span: Span) -> None:
        """It is not to be evicted now."""
        span.previous.next, span.next.previous = span.next, span.previous
