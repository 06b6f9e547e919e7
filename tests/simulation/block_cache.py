"""The obvious KV cache, to compare the real one with: every block by itself, every list walked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(eq=False)
class BlockHolding:
    """Numbers of blocks, from head to tail."""

    ids: list[int]
    named: int

    @property
    def blocks(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class BlockClaim:
    holding: BlockHolding
    device_blocks: int
    host_blocks: int


@dataclass
class BlockCache:
    """Has the interface of `KVCache`."""

    num_blocks: int
    host_blocks: float = 0
    empty: list[int] = field(default_factory=list)
    """Available blocks without content."""
    queue: list[int] = field(default_factory=list)
    """The other available blocks, the next to be handed out first."""
    name_of: dict[int, int] = field(default_factory=dict)
    """By block, in the order in which they were published."""
    references: dict[int, int] = field(default_factory=dict)
    host: list[int] = field(default_factory=list)
    """From the most to the least recently stored."""

    def __post_init__(self) -> None:
        self.empty = list(range(self.num_blocks))
        self.references = dict.fromkeys(self.empty, 0)

    @property
    def available_blocks(self) -> int:
        return len(self.empty) + len(self.queue)

    @property
    def used_blocks(self) -> int:
        return self.num_blocks - self.available_blocks

    @property
    def names(self) -> set[int]:
        return set(self.name_of.values())

    def find(self, names: Sequence[int]) -> int:
        return len(self._match(names))

    def fits(self, names: Sequence[int], blocks: int) -> bool:
        matched = self._match(names)
        return blocks - len(matched) + sum(block in self.queue for block in matched) <= self.available_blocks

    def claim(self, names: Sequence[int], blocks: int, chunk_blocks: int | None = None) -> BlockClaim | None:
        if not self.fits(names, blocks):
            return None
        matched = self._match(names)
        for block in matched:
            if block in self.queue:
                self.queue.remove(block)
            self.references[block] += 1
        holding = BlockHolding(matched, len(matched))
        device_blocks = host_blocks = len(matched)
        while host_blocks < len(names) and names[host_blocks] in self.host:
            host_blocks += 1
        last = blocks if chunk_blocks is None else min(blocks, host_blocks + chunk_blocks)
        self.grow(holding, last - device_blocks)
        self.publish(holding, names[device_blocks:host_blocks])
        return BlockClaim(holding, device_blocks, host_blocks - device_blocks)

    def grow(self, holding: BlockHolding, blocks: int = 1) -> None:
        for _ in range(blocks):
            block = (self.empty or self.queue).pop(0)
            self.name_of.pop(block, None)
            self.references[block] = 1
            holding.ids.append(block)

    def publish(self, holding: BlockHolding, names: Sequence[int]) -> None:
        for name in names:
            self.name_of[holding.ids[holding.named]] = name
            holding.named += 1

    def release(self, holding: BlockHolding) -> None:
        stored = [self.name_of[block] for block in holding.ids if block in self.name_of]
        host = [*stored, *(name for name in self.host if name not in stored)]
        self.host = host if self.host_blocks > len(host) else host[: int(self.host_blocks)]
        for block in reversed(holding.ids):
            self.references[block] -= 1
            if not self.references[block]:
                (self.queue if block in self.name_of else self.empty).append(block)
        holding.ids, holding.named = [], 0

    def demote(self, names: Sequence[int]) -> int:
        blocks = self._unreferenced(names)
        for block in blocks:
            self.queue.remove(block)
            self.queue.insert(0, block)
        return len(blocks)

    def free(self, names: Sequence[int]) -> int:
        blocks = self._unreferenced(names)
        for block in blocks:
            self.queue.remove(block)
            self.empty.append(block)
            del self.name_of[block]
        self.host = [name for name in self.host if name not in names or name in self.names]
        return len(blocks)

    def reset(self) -> None:
        self.name_of, self.host = {}, []
        self.empty, self.queue = self.empty + self.queue, []

    def _match(self, names: Sequence[int]) -> list[int]:
        matched: list[int] = []
        for name in names:
            blocks = [block for block, other in self.name_of.items() if other == name]
            if not blocks:
                break
            matched.append(blocks[0])
        return matched

    def _unreferenced(self, names: Sequence[int]) -> list[int]:
        return [block for name in names for block, other in self.name_of.items() if other == name and block in self.queue]
