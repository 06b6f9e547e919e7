"""An ordered set of items with changing keys: a heap whose stale entries are dropped when they surface, O(log n) each."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Any, Generic, Protocol, TypeVar

Key = int | float | tuple[float, ...]
"""What items are ordered by; all keys of one index have the same shape."""


class Indexed(Protocol):
    """What an item needs: a number of its own, which breaks ties, so that equal keys keep their order of birth."""

    @property
    def birth(self) -> int:
        """Unique among the items of an index."""


T = TypeVar("T", bound=Indexed)


class OrderedIndex(Generic[T]):
    """Items in ascending order of their keys, then of their births."""

    __slots__ = ("_heap", "_live")

    def __init__(self) -> None:
        self._heap: list[tuple[Key, int, T]] = []
        self._live: dict[int, tuple[Key, int, T]] = {}

    def __len__(self) -> int:
        return len(self._live)

    def __contains__(self, item: T) -> bool:
        return item.birth in self._live

    def __iter__(self) -> Iterator[T]:
        """All items, in no order."""
        return (entry[2] for entry in self._live.values())

    def put(self, item: T, key: Key) -> None:
        """Insert the item, or move it to a new key."""
        birth = item.birth
        known = self._live.get(birth)
        if known is not None and known[0] == key:
            return
        self._live[birth] = entry = (key, birth, item)
        if known is not None and self._heap[0] is known:
            heapq.heapreplace(self._heap, entry)
            return
        heapq.heappush(self._heap, entry)
        if len(self._heap) > 2 * len(self._live) + 16:  # stale entries outnumber live ones: amortised O(1) per put
            self._heap = list(self._live.values())
            heapq.heapify(self._heap)

    def discard(self, item: T) -> None:
        """Remove the item if it is there."""
        self._live.pop(item.birth, None)

    def first(self) -> T | None:
        """The item with the smallest key, or None when empty."""
        top = self._top()
        return None if top is None else top[2]

    def first_key(self) -> Any:
        """The smallest key, or None when empty; the caller knows the type of his keys."""
        top = self._top()
        return None if top is None else top[0]

    def first_due(self, now: float) -> T | None:
        """The first item if its key, a time, has come; else None."""
        top = self._top()
        return top[2] if top is not None and top[0] <= now else None  # type: ignore[operator]

    def _top(self) -> tuple[Key, int, T] | None:
        heap, live = self._heap, self._live
        while heap:
            entry = heap[0]
            if live.get(entry[1]) is entry:
                return entry
            heapq.heappop(heap)
        return None
