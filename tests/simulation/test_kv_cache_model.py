"""The KV cache against the obvious one: whatever is done to both, they answer the same and find the same."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.simulation.block_cache import BlockCache, BlockHolding
from thunderagent.simulation.kv_cache import KVCache
from thunderagent.simulation.spans import Holding

LONGEST = 9


def chain_of(family: int, shared: int, length: int) -> list[int]:
    """Some first blocks are those of all families; equal names mean equal prefixes."""
    own = 1_000 * shared + 100 * family
    return [*range(min(shared, length)), *range(own + shared, own + max(shared, length))]


chains = st.builds(chain_of, st.integers(1, 3), st.integers(0, 4), st.integers(0, LONGEST))


class Pair:
    """A request in both caches, and its chain."""

    def __init__(self, real: Holding, model: BlockHolding, chain: list[int]) -> None:
        self.real, self.model, self.chain = real, model, chain


class Comparison(RuleBasedStateMachine):
    """Requests that share prefixes, or compute the same side by side, come and go, with hints and resets between."""

    @initialize(blocks=st.integers(6, 14), host_blocks=st.sampled_from([0, 5, 12, math.inf]))
    def begin(self, blocks: int, host_blocks: float) -> None:
        self.real, self.model = KVCache(blocks, host_blocks), BlockCache(blocks, host_blocks)
        self.pairs: list[Pair] = []

    @rule(
        family=st.integers(1, 3),
        shared=st.integers(0, 4),
        blocks=st.integers(1, LONGEST),
        asked=st.integers(0, LONGEST),
        chunk=st.none() | st.integers(1, 3),
    )
    def claim(self, family: int, shared: int, blocks: int, asked: int, chunk: int | None) -> None:
        chain = chain_of(family, shared, 99)
        names = chain[: min(asked, blocks)]
        assert self.real.fits(names, blocks) == self.model.fits(names, blocks)
        real, model = self.real.claim(names, blocks, chunk), self.model.claim(names, blocks, chunk)
        assert (real is None) == (model is None)
        if real and model:
            assert (real.device_blocks, real.host_blocks) == (model.device_blocks, model.host_blocks)
            assert real.holding.blocks == model.holding.blocks
            self.pairs.append(Pair(real.holding, model.holding, chain))

    @precondition(lambda self: self.pairs)
    @rule(data=st.data(), count=st.integers(1, 5))
    def publish(self, data: Any, count: int) -> None:
        pair = data.draw(st.sampled_from(self.pairs))
        names = pair.chain[pair.model.named : min(pair.model.named + count, pair.model.blocks)]
        self.real.publish(pair.real, names)
        self.model.publish(pair.model, names)

    @precondition(lambda self: self.pairs and self.model.available_blocks)
    @rule(data=st.data(), blocks=st.integers(1, 3))
    def grow(self, data: Any, blocks: int) -> None:
        pair = data.draw(st.sampled_from(self.pairs))
        blocks = min(blocks, self.model.available_blocks)
        self.real.grow(pair.real, blocks)
        self.model.grow(pair.model, blocks)

    @precondition(lambda self: self.pairs)
    @rule(data=st.data())
    def release(self, data: Any) -> None:
        pair = self.pairs.pop(data.draw(st.integers(0, len(self.pairs) - 1)))
        self.real.release(pair.real)
        self.model.release(pair.model)

    @rule(names=chains, keep=st.integers(0, 4))
    def demote(self, names: list[int], keep: int) -> None:
        assert self.real.demote(names[keep:]) == self.model.demote(names[keep:])

    @rule(names=chains, keep=st.integers(0, 4))
    def free(self, names: list[int], keep: int) -> None:
        assert self.real.free(names[keep:]) == self.model.free(names[keep:])

    @rule()
    def reset(self) -> None:
        self.real.reset()
        self.model.reset()

    @invariant()
    def both_have_the_same(self) -> None:
        if not hasattr(self, "real"):
            return
        assert self.real.available_blocks == self.model.available_blocks
        assert set(self.real.names) == self.model.names
        for pair in self.pairs:
            assert (pair.real.blocks, pair.real.named) == (pair.model.blocks, pair.model.named)
        for family in (1, 2, 3):
            for shared in range(5):
                chain = chain_of(family, shared, LONGEST)
                assert self.real.find(chain) == self.model.find(chain)


Comparison.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestComparison = Comparison.TestCase
