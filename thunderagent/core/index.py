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
    """Items in ascending order of their keys, then of their births. The top of the heap is never stale: reading it is O(1)."""

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
        birth, heap, live = item.birth, self._heap, self._live
        known = live.get(birth)
        if known is not None and known[0] == key:
            return
        live[birth] = entry = (key, birth, item)
        if known is not None and heap[0] is known:
            heapq.heapreplace(heap, entry)
            self._drop_stale()
            return
        heapq.heappush(heap, entry)
        if len(heap) > 2 * len(live) + 16:  # stale entries outnumber live ones: amortised O(1) per put
            self._heap = list(live.values())
            heapq.heapify(self._heap)

    def discard(self, item: T) -> None:
        """Remove the item if it is there."""
        entry = self._live.pop(item.birth, None)
        if entry is not None and entry is self._heap[0]:
            self._drop_stale()

    def first(self) -> T | None:
        """The item with the smallest key, or None when empty."""
        return self._heap[0][2] if self._heap else None

    def first_key(self, default: Any = None) -> Any:
        """The smallest key; the caller knows the type of his keys."""
        return self._heap[0][0] if self._heap else default

    def first_due(self, now: float) -> T | None:
        """The first item if its key, a time, has come; else None."""
        return self._heap[0][2] if self._heap and self._heap[0][0] <= now else None  # type: ignore[operator]

    def _drop_stale(self) -> None:
        heap, live = self._heap, self._live
        while heap and live.get(heap[0][1]) is not heap[0]:
            heapq.heappop(heap)
