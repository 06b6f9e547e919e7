from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from thunderagent.simulation import KVCache


def fill(cache: KVCache, hashes: list[int]) -> list[int]:
    """Allocate and publish one block per hash."""
    blocks = []
    for block_hash in hashes:
        block = cache.allocate()
        cache.publish(block, block_hash)
        blocks.append(block)
    return blocks


def test_a_prefix_is_found_only_after_it_was_published() -> None:
    cache = KVCache(4)
    block = cache.allocate()
    assert cache.match([11]) == []

    cache.publish(block, 11)
    assert cache.match([11, 12]) == [block]


def test_a_match_stops_at_the_first_missing_block() -> None:
    cache = KVCache(4)
    first, _ = fill(cache, [11, 13])

    assert cache.match([11, 12, 13]) == [first]


def test_released_blocks_stay_cached_until_they_are_handed_out_again() -> None:
    cache = KVCache(2)
    blocks = fill(cache, [11, 12])
    cache.release(blocks)

    assert cache.used_blocks == 0
    assert cache.match([11, 12]) == blocks


def test_the_tail_of_a_chain_is_evicted_before_its_head() -> None:
    cache = KVCache(3)
    blocks = fill(cache, [11, 12, 13])
    cache.release(blocks)
    cache.allocate()

    assert cache.match([11, 12, 13]) == blocks[:2]


def test_blocks_released_earlier_are_evicted_earlier() -> None:
    cache = KVCache(4)
    old, new = fill(cache, [11, 12]), fill(cache, [21, 22])
    cache.release(old)
    cache.release(new)
    cache.allocate()
    cache.allocate()

    assert cache.match([11, 12]) == []
    assert cache.match([21, 22]) == new


def test_a_released_block_without_content_is_handed_out_before_any_content_is_evicted() -> None:
    cache = KVCache(3)
    cached = fill(cache, [11, 12])
    partly_filled = cache.allocate()
    cache.release([*cached, partly_filled])

    assert cache.allocate() == partly_filled
    assert cache.match([11, 12]) == cached


def test_using_a_cached_prefix_again_saves_it_from_eviction() -> None:
    cache = KVCache(4)
    old, new = fill(cache, [11, 12]), fill(cache, [21, 22])
    cache.release(old)
    cache.release(new)
    cache.hold(old)
    cache.release(old)
    cache.allocate()
    cache.allocate()

    assert cache.match([11, 12]) == old
    assert cache.match([21, 22]) == []


def test_a_shared_block_is_available_only_when_its_last_holder_releases_it() -> None:
    cache = KVCache(1)
    blocks = fill(cache, [11])
    cache.hold(blocks)
    cache.release(blocks)
    assert cache.available_blocks == 0

    cache.release(blocks)
    assert cache.available_blocks == 1


def test_holding_unreferenced_blocks_takes_them_from_what_fits() -> None:
    cache = KVCache(3)
    blocks = fill(cache, [11, 12])
    cache.release(blocks)

    assert cache.fits(blocks, 1)
    assert not cache.fits(blocks, 2)
    assert cache.fits([], 3)


def test_a_prefix_computed_twice_survives_the_eviction_of_one_copy() -> None:
    cache = KVCache(2)
    first, second = fill(cache, [11]), fill(cache, [11])
    cache.release(first)
    assert cache.allocate() == first[0]

    assert cache.match([11]) == second


def test_a_reset_forgets_the_content_of_used_and_unused_blocks() -> None:
    cache = KVCache(2)
    used, unused = fill(cache, [11]), fill(cache, [12])
    cache.release(unused)
    cache.reset()

    assert cache.match([11]) == cache.match([12]) == []
    assert cache.used_blocks == 1
    cache.release(used)
    assert cache.available_blocks == 2


def test_allocating_from_a_full_cache_is_an_error() -> None:
    cache = KVCache(1)
    cache.allocate()
    with pytest.raises(RuntimeError, match="all 1 KV blocks are in use"):
        cache.allocate()


def test_releasing_a_block_twice_is_an_error() -> None:
    cache = KVCache(1)
    block = cache.allocate()
    cache.release([block])
    with pytest.raises(ValueError, match="not held"):
        cache.release([block])


class KVCacheMachine(RuleBasedStateMachine):
    """Requests that share prefixes come and go in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = KVCache(12)
        self.held: list[list[int]] = []
        self.published: set[int] = set()

    @rule(family=st.integers(0, 3), length=st.integers(1, 8))
    def begin(self, family: int, length: int) -> None:
        hashes = [family * 100 + index for index in range(length)]
        matched = self.cache.match(hashes)
        assert set(hashes[: len(matched)]) <= self.published
        missing = length - len(matched)
        if not self.cache.fits(matched, missing):
            return
        self.cache.hold(matched)
        fresh = fill(self.cache, hashes[len(matched) :])
        assert not set(fresh) & {block for blocks in self.held for block in blocks}, "a held block was handed out"
        self.published.update(hashes)
        self.held.append(matched + fresh)
        assert self.cache.match(hashes) == matched + fresh

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        self.cache.release(self.held.pop(data.draw(st.integers(0, len(self.held) - 1))))

    @rule()
    def reset(self) -> None:
        self.cache.reset()
        self.published.clear()

    @invariant()
    def used_blocks_are_exactly_the_held_ones(self) -> None:
        references = Counter(block for blocks in self.held for block in blocks)
        assert self.cache.used_blocks == len(references) <= self.cache.num_blocks
        assert self.cache.available_blocks == self.cache.num_blocks - len(references)
        assert self.cache.cached_prefixes <= self.cache.num_blocks


KVCacheMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestKVCacheMachine = KVCacheMachine.TestCase
