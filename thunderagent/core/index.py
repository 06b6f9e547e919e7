"""An ordered set of ids with changing keys: a heap whose stale entries are dropped when they surface, O(log n) each."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

Key = tuple[float, ...]


class OrderedIndex:
    """Ids in ascending order of their keys; ties by the id itself."""

    def __init__(self) -> None:
        self._heap: list[tuple[Key, str]] = []
        self._keys: dict[str, Key] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._keys

    def __iter__(self) -> Iterator[str]:
        """All ids, in no order."""
        return iter(self._keys)

    def put(self, item_id: str, key: Key) -> None:
        """Insert the id, or move it to a new key."""
        if self._keys.get(item_id) == key:
            return
        self._keys[item_id] = key
        heapq.heappush(self._heap, (key, item_id))
        if len(self._heap) > 2 * len(self._keys) + 16:  # stale entries outnumber live ones: amortised O(1) per put
            self._heap = [(k, i) for i, k in self._keys.items()]
            heapq.heapify(self._heap)

    def discard(self, item_id: str) -> None:
        """Remove the id if it is there."""
        self._keys.pop(item_id, None)

    def first(self) -> str | None:
        """The id with the smallest key, or None when empty."""
        while self._heap:
            key, item_id = self._heap[0]
            if self._keys.get(item_id) == key:
                return item_id
            heapq.heappop(self._heap)
        return None
