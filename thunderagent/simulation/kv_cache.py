"""A paged KV cache whose full blocks are shared between requests with the same prefix, as vLLM's.

A block is an integer. It is *used* while a request holds it and *available* otherwise. An available block keeps its
content and its hash until it is handed out again, so the queue of available blocks is also the LRU order of eviction.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence


class KVCache:
    """`num_blocks` blocks with reference counts and a prefix index; each operation is O(1) per block it touches."""

    def __init__(self, num_blocks: int) -> None:
        if num_blocks < 1:
            raise ValueError(f"num_blocks is {num_blocks}, it must be at least 1")
        self.num_blocks = num_blocks
        self._references = [0] * num_blocks
        self._hash_of: list[int | None] = [None] * num_blocks
        # Two requests may compute the same prefix side by side: a hash can have several holders.
        self._holders: dict[int, list[int]] = {}
        self._available: OrderedDict[int, None] = OrderedDict.fromkeys(range(num_blocks))

    @property
    def available_blocks(self) -> int:
        """Blocks that can be handed out: never filled, or cached and unreferenced."""
        return len(self._available)

    @property
    def used_blocks(self) -> int:
        """Blocks that a request holds."""
        return self.num_blocks - len(self._available)

    @property
    def cached_prefixes(self) -> int:
        """Different prefixes that a lookup would find."""
        return len(self._holders)

    def match(self, hashes: Iterable[int]) -> list[int]:
        """The blocks of the longest cached prefix of a chain; they are not held yet."""
        holders_of = self._holders.get
        blocks = []
        for block_hash in hashes:
            holders = holders_of(block_hash)
            if holders is None:
                break
            blocks.append(holders[0])
        return blocks

    def fits(self, matched: Sequence[int], new_blocks: int) -> bool:
        """Whether `matched` can be held and `new_blocks` handed out besides."""
        if new_blocks > len(self._available):
            return False
        references = self._references
        return new_blocks + sum(references[block] == 0 for block in matched) <= len(self._available)

    def hold(self, blocks: Iterable[int]) -> None:
        """Take one reference to each of some cached blocks."""
        for block in blocks:
            if self._references[block] == 0:
                del self._available[block]
            self._references[block] += 1

    def allocate(self) -> int:
        """Hand out one block with one reference, evicting the least recently used content.

        Raises:
            RuntimeError: every block is in use.
        """
        if not self._available:
            raise RuntimeError(f"all {self.num_blocks} KV blocks are in use")
        block, _ = self._available.popitem(last=False)
        self._forget(block)
        self._references[block] = 1
        return block

    def publish(self, block: int, block_hash: int) -> None:
        """Let lookups find a block that is now full."""
        self._forget(block)
        self._hash_of[block] = block_hash
        self._holders.setdefault(block_hash, []).append(block)

    def release(self, blocks: Sequence[int]) -> None:
        """Give back one reference to each block of one request, given from head to tail of its chain.

        The tail becomes available first and is therefore evicted first: a prefix is useful without its tail, not
        the other way round. A block that no lookup can find is handed out next, before any content is evicted.

        Raises:
            ValueError: a block is not held.
        """
        references = self._references
        for block in reversed(blocks):
            if references[block] == 0:
                raise ValueError(f"block {block} is released but not held")
            references[block] -= 1
            if references[block] == 0:
                self._available[block] = None
                if self._hash_of[block] is None:
                    self._available.move_to_end(block, last=False)

    def reset(self) -> None:
        """Forget all content: no lookup finds anything. Blocks in use stay in use."""
        self._holders.clear()
        self._hash_of = [None] * self.num_blocks

    def _forget(self, block: int) -> None:
        block_hash = self._hash_of[block]
        if block_hash is None:
            return
        self._hash_of[block] = None
        holders = self._holders[block_hash]
        holders.remove(block)
        if not holders:
            del self._holders[block_hash]
