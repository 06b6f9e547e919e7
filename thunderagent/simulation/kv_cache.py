"""A paged KV cache whose full blocks are shared between requests with the same prefix, as vLLM's, over a host tier.

Each full block has a name, which stands for its content and all before it. A block is *used* while a request holds it and
*available* otherwise. An available block keeps its content until it is handed out again: first those without any content
that can be found, then from the least to the most recently released, of one request the tail before the head.

What a request gives back is in the host tier too from then on. Real engines copy it there as soon as it is computed (vLLM's
OffloadingConnector, LMCache, and SGLang's HiCache with `write_through`) and touch it again at every copy; as nothing that is
held can be lost from the device, the end is the first moment at which it can make a difference.
"""

from __future__ import annotations

from collections.abc import KeysView, Sequence
from dataclasses import dataclass

from thunderagent.simulation.host_tier import HostTier
from thunderagent.simulation.spans import EvictionQueue, Holding, Span


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request got at its admission."""

    holding: Holding
    device_blocks: int
    """Found in the cache."""
    host_blocks: int
    """After them: found in the host tier, to be loaded into fresh blocks."""


class KVCache:
    """`num_blocks` blocks with a prefix index, and the host tier.

    Blocks are counted, not numbered, and kept in spans. That is as if each had a place of its own in the eviction queue.
    """

    def __init__(self, num_blocks: int, host_blocks: float = 0) -> None:
        if num_blocks < 1:
            raise ValueError(f"num_blocks is {num_blocks}, it must be at least 1")
        self.num_blocks = num_blocks
        self.available_blocks = num_blocks
        """Blocks that can be handed out: without content, or cached and unreferenced."""
        self._empty = num_blocks
        """Of these, those without content that are handed out first; the others are in the queue."""
        self._queue = EvictionQueue()
        self._span_of: dict[int, Span] = {}
        # Two requests may compute the same prefix side by side: a name can have several blocks.
        self._shadows_of: dict[int, list[Span]] = {}
        self._host = HostTier(host_blocks)

    @property
    def used_blocks(self) -> int:
        """Blocks that a request holds."""
        return self.num_blocks - self.available_blocks

    @property
    def names(self) -> KeysView[int]:
        """Of all blocks that the device has."""
        return self._span_of.keys()

    def find(self, names: Sequence[int]) -> int:
        """How many blocks of a chain, from the first on, the device has."""
        return sum(size for _, size in self._match(names))

    def fits(self, names: Sequence[int], blocks: int) -> bool:
        """Whether a request that needs so many blocks, the first of them with these names, can be admitted now."""
        return blocks <= self.available_blocks or self._fits(self._match(names), blocks)

    def claim(self, names: Sequence[int], blocks: int, chunk_blocks: int | None = None) -> Claim | None:
        """Hold the cached prefix of `names` and hand out the rest, or its first `chunk_blocks`; None if not all would fit now.

        The others are not reserved, as in vLLM: who decodes meanwhile may take them.
        """
        matched = self._match(names)
        if not self._fits(matched, blocks):
            return None
        holding = Holding()
        for span, size in matched:
            if size < span.size:
                self._cut(span, size)
            if not span.holdings:
                self._queue.remove(span)
                self.available_blocks -= size
            span.holdings.append(holding)
            holding.spans.append(span)
            holding.named += size
        device_blocks = holding.blocks = holding.named
        host_blocks = self._host.count(names[device_blocks:])
        fresh_blocks = blocks - device_blocks
        self.grow(holding, fresh_blocks if chunk_blocks is None else min(fresh_blocks, host_blocks + chunk_blocks))
        self.publish(holding, names[device_blocks : device_blocks + host_blocks])
        return Claim(holding, device_blocks, host_blocks)

    def grow(self, holding: Holding, blocks: int = 1) -> None:
        """Hand out more blocks.

        Raises:
            RuntimeError: there are not so many available.
        """
        if blocks > self.available_blocks:
            raise RuntimeError(f"{blocks} KV blocks are asked for, {self.available_blocks} of {self.num_blocks} are available")
        self.available_blocks -= blocks
        holding.blocks += blocks
        evicted = max(0, blocks - self._empty)
        self._empty -= blocks - evicted
        while evicted:
            span = self._queue.first
            size = min(evicted, span.size)
            self._forget(span, span.names[span.size - size :])
            del span.names[span.size - size :]
            span.size -= size
            evicted -= size
            if not span.size:
                self._queue.remove(span)

    def publish(self, holding: Holding, names: Sequence[int]) -> None:
        """Let others find the next blocks of a holding, which are full now."""
        if self._span_of.keys().isdisjoint(names):
            self._extend(holding, names)
            return
        for name in names:
            if name in self._span_of:
                shadow = self._append(holding, [name])
                shadow.shadow = True
                self._shadows_of.setdefault(name, []).append(shadow)
            else:
                self._extend(holding, [name])

    def release(self, holding: Holding) -> None:
        """Give all blocks back; their content stays, here and in the host tier. Those without any are handed out next.

        Raises:
            ValueError: they have been given back already.
        """
        if not holding.blocks:
            raise ValueError("the holding is released already")
        if self._host.capacity_blocks:
            self._host.store([name for span in holding.spans for name in span.names])
        self.available_blocks += holding.blocks - holding.named
        self._empty += holding.blocks - holding.named
        for span in reversed(holding.spans):
            span.holdings.remove(holding)
            if not span.holdings:
                self._give_back(span)
        holding.blocks, holding.named, holding.spans = 0, 0, []

    def demote(self, names: Sequence[int]) -> int:
        """Put the blocks of a chain that nobody holds at the head of the eviction queue, the tail first; how many they are."""
        spans = self._unreferenced(names)
        for span in spans:
            self._queue.remove(span)
            self._queue.prepend(span)
        return sum(span.size for span in spans)

    def free(self, names: Sequence[int]) -> int:
        """Forget the blocks of a chain that nobody holds, in both tiers; how many the device had."""
        spans = self._unreferenced(names)
        for span in spans:
            self._queue.remove(span)
            self._forget(span, span.names)
        blocks = sum(span.size for span in spans)
        self._empty += blocks
        self._host.drop(name for name in names if name not in self._span_of)
        return blocks

    def reset(self) -> None:
        """Forget all content, in both tiers: no lookup finds anything. Blocks in use stay in use."""
        for span in [*self._span_of.values(), *(span for spans in self._shadows_of.values() for span in spans)]:
            span.names, span.shadow = [], False
        self._span_of.clear()
        self._shadows_of.clear()
        self._queue = EvictionQueue()
        self._empty = self.available_blocks
        self._host.clear()

    def _match(self, names: Sequence[int]) -> list[tuple[Span, int]]:
        """The spans of the longest cached prefix of a chain, and how many blocks of each are part of it."""
        matched = []
        start = 0
        while start < len(names):
            span = self._span_of.get(names[start])
            if span is None or span.start != start:
                break
            size = span.common(names[start : start + span.size])
            matched.append((span, size))
            start += size  # another chain may branch off in the midst of a span
        return matched

    def _fits(self, matched: Sequence[tuple[Span, int]], blocks: int) -> bool:
        held = sum(size for span, size in matched if span.holdings)
        return blocks - held <= self.available_blocks

    def _cut(self, span: Span, size: int) -> Span:
        tail = span.cut(size)
        self._span_of.update(dict.fromkeys(tail.names, tail))
        return tail

    def _append(self, holding: Holding, names: Sequence[int]) -> Span:
        span = Span(holding.named, list(names), len(names))
        span.holdings.append(holding)
        holding.spans.append(span)
        holding.named += len(names)
        return span

    def _extend(self, holding: Holding, names: Sequence[int]) -> None:
        span = holding.spans[-1] if holding.spans else None
        if span is None or not span.names or span.shadow or len(span.holdings) > 1:
            span = self._append(holding, names)
        else:
            span.names += names
            span.size += len(names)
            holding.named += len(names)
        self._span_of.update(dict.fromkeys(names, span))

    def _give_back(self, span: Span) -> None:
        if span.names:
            self._queue.append(span)
        else:
            self._empty += span.size
        self.available_blocks += span.size

    def _unreferenced(self, names: Sequence[int]) -> list[Span]:
        """What nobody holds of a chain, from head to tail, in spans that have nothing else."""
        spans: list[Span] = []
        start = 0
        while start < len(names):
            span = self._span_of.get(names[start])
            if span is None:
                start += 1
                continue
            offset = span.names.index(names[start])
            if offset:
                span = self._cut(span, offset)
            size = span.common(names[start : start + span.size])
            if size < span.size:
                self._cut(span, size)
            found = [span, *(shadow for name in names[start : start + size] for shadow in self._shadows_of.get(name, ()))]
            spans += [span for span in found if not span.holdings]
            start += size
        return spans

    def _forget(self, span: Span, names: Sequence[int]) -> None:
        """Lookups do not find these blocks of a span any more, but their shadows, if there are any."""
        for name in names:
            shadows = self._shadows_of.get(name) if self._shadows_of else None
            if not shadows:
                del self._span_of[name]
                continue
            if span.shadow:
                shadows.remove(span)
            else:
                self._span_of[name] = shadows.pop(0)
                self._span_of[name].shadow = False
            if not shadows:
                del self._shadows_of[name]
