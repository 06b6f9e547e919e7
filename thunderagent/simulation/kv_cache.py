"""A paged KV cache whose full blocks are shared between requests with the same prefix, as vLLM's, over a host tier.

Each full block has a name, which stands for its content and all before it. A block is *used* while a request holds it and
*available* otherwise. An available block keeps its content until it is handed out again: first those without any content
that can be found, then from the least to the most recently released, of one request the tail before the head.

What a request gives back is in the host tier too from then on. Real engines copy it there as soon as it is computed (vLLM's
OffloadingConnector, LMCache, and SGLang's HiCache with `write_through`) and touch it again at every copy; as nothing that is
held can be lost from the device, the end is the first moment at which it can make a difference.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import countOf

from thunderagent.simulation.host_tier import HostTier


@dataclass(slots=True, eq=False)
class Holding:
    """The blocks that one request holds, from head to tail."""

    ids: list[int]
    named: int
    """How many, from the head on, are full and can be found."""

    @property
    def blocks(self) -> int:
        """How many there are."""
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request got at its admission."""

    holding: Holding
    device_blocks: int
    """Found in the cache."""
    host_blocks: int
    """After them: found in the host tier, to be loaded into fresh blocks."""


class KVCache:
    """`num_blocks` blocks with reference counts and a prefix index, and the host tier."""

    def __init__(self, num_blocks: int, host_blocks: float = 0) -> None:
        if num_blocks < 1:
            raise ValueError(f"num_blocks is {num_blocks}, it must be at least 1")
        self.num_blocks = num_blocks
        self._references = [0] * num_blocks
        self._name_of: list[int | None] = [None] * num_blocks
        # Two requests may compute the same prefix side by side: a name can have several blocks.
        self._blocks_of: dict[int, list[int]] = {}
        self._empty = list(range(num_blocks))
        self._released: OrderedDict[int, None] = OrderedDict()
        self._host = HostTier(host_blocks)

    @property
    def available_blocks(self) -> int:
        """Blocks that can be handed out: without content, or cached and unreferenced."""
        return len(self._empty) + len(self._released)

    @property
    def used_blocks(self) -> int:
        """Blocks that a request holds."""
        return self.num_blocks - self.available_blocks

    def find(self, names: Iterable[int]) -> int:
        """How many blocks of a chain, from the first on, the device has."""
        return len(self._match(names))

    def fits(self, names: Sequence[int], blocks: int) -> bool:
        """Whether a request that needs so many blocks, the first of them with these names, can be admitted now."""
        return self._fits(self._match(names), blocks)

    def claim(self, names: Sequence[int], blocks: int) -> Claim | None:
        """Hold the cached prefix of `names` and hand out fresh blocks for the rest; None if they do not fit now."""
        matched = self._match(names)
        if not self._fits(matched, blocks):
            return None
        for block in matched:
            if self._references[block] == 0:
                del self._released[block]
            self._references[block] += 1
        holding = Holding(matched, len(matched))
        self.grow(holding, blocks - len(matched))
        device_blocks = holding.named
        host_blocks = self._host.count(names[device_blocks:])
        self.publish(holding, names[device_blocks : device_blocks + host_blocks])
        return Claim(holding, device_blocks, host_blocks)

    def grow(self, holding: Holding, blocks: int = 1) -> None:
        """Hand out more blocks.

        Raises:
            RuntimeError: there are not so many available.
        """
        if blocks > self.available_blocks:
            raise RuntimeError(f"{blocks} KV blocks are asked for, {self.available_blocks} of {self.num_blocks} are available")
        for _ in range(blocks):
            block = self._empty.pop() if self._empty else self._released.popitem(last=False)[0]
            self._forget(block)
            self._references[block] = 1
            holding.ids.append(block)

    def publish(self, holding: Holding, names: Iterable[int]) -> None:
        """Let others find the next blocks of a holding, which are full now."""
        for name in names:
            block = holding.ids[holding.named]
            self._name_of[block] = name
            self._blocks_of.setdefault(name, []).append(block)
            holding.named += 1

    def release(self, holding: Holding) -> None:
        """Give all blocks back; their content stays, here and in the host tier.

        Raises:
            ValueError: they have been given back already.
        """
        if not holding.ids:
            raise ValueError("the holding is released already")
        self._host.store([name for block in holding.ids if (name := self._name_of[block]) is not None])
        for block in reversed(holding.ids):
            self._references[block] -= 1
            if self._references[block] == 0:
                self._released[block] = None
        holding.ids, holding.named = [], 0

    def demote(self, names: Sequence[int]) -> int:
        """Put the blocks of a chain that nobody holds at the head of the eviction queue, the tail first; how many they are."""
        blocks = self._unreferenced(names)
        for block in blocks:
            self._released.move_to_end(block, last=False)
        return len(blocks)

    def free(self, names: Sequence[int]) -> int:
        """Forget the blocks of a chain that nobody holds, in both tiers; how many the device had."""
        blocks = self._unreferenced(names)
        for block in blocks:
            del self._released[block]
            self._forget(block)
            self._empty.append(block)
        self._host.drop(name for name in names if name not in self._blocks_of)
        return len(blocks)

    def reset(self) -> None:
        """Forget all content, in both tiers: no lookup finds anything. Blocks in use stay in use."""
        self._blocks_of.clear()
        self._name_of = [None] * self.num_blocks
        self._empty += self._released
        self._released.clear()
        self._host.clear()

    def _match(self, names: Iterable[int]) -> list[int]:
        matched = []
        for name in names:
            blocks = self._blocks_of.get(name)
            if blocks is None:
                break
            matched.append(blocks[0])
        return matched

    def _fits(self, matched: Sequence[int], blocks: int) -> bool:
        unreferenced = countOf(map(self._references.__getitem__, matched), 0)
        return blocks - len(matched) + unreferenced <= self.available_blocks

    def _unreferenced(self, names: Iterable[int]) -> list[int]:
        return [block for name in names for block in self._blocks_of.get(name, ()) if block in self._released]

    def _forget(self, block: int) -> None:
        name = self._name_of[block]
        if name is None:
            return
        self._name_of[block] = None
        blocks = self._blocks_of[name]
        blocks.remove(block)
        if not blocks:
            del self._blocks_of[name]
