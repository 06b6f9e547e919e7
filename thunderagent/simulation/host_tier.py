"""The second tier of a KV cache: copies of blocks in host memory, found by the prefix they hold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import islice, takewhile


class HostTier:
    """A bounded or unbounded set of prefixes, the least recently stored evicted first."""

    def __init__(self, capacity_blocks: float) -> None:
        """0: there is no such tier; ``math.inf``: it never evicts, and needs no order to do so."""
        self.capacity_blocks = capacity_blocks
        self._names: dict[int, None] = {}
        """From the least to the most recently stored."""

    def __len__(self) -> int:
        return len(self._names)

    def count(self, names: Iterable[int]) -> int:
        """How many of these names, from the first on, it has without a gap."""
        return len(list(takewhile(self._names.__contains__, names))) if self._names else 0

    def store(self, names: Sequence[int]) -> None:
        """Copy blocks, given from head to tail of a chain, or touch those that are there.

        The tail counts as older than the head and is evicted first: a prefix is useful without its tail, not the other way
        round.
        """
        if self.capacity_blocks < math.inf:
            self.drop(names)
        self._names.update(dict.fromkeys(reversed(names)))
        excess = len(self._names) - self.capacity_blocks
        if excess > 0:
            self.drop(list(islice(self._names, int(excess))))

    def drop(self, names: Iterable[int]) -> None:
        """Forget some blocks, where they are there."""
        for name in names:
            self._names.pop(name, None)

    def clear(self) -> None:
        """Forget all."""
        self._names.clear()
