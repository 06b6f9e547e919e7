from __future__ import annotations

import math

import pytest

from thunderagent.simulation.kv_cache import KVCache
from thunderagent.simulation.spans import Holding


def hold(cache: KVCache, names: list[int], blocks: int | None = None) -> Holding:
    """Compute a chain, or so many blocks of which it is the head, using what is cached of it."""
    claim = cache.claim(names, blocks or len(names))
    assert claim is not None
    cache.publish(claim.holding, names[claim.device_blocks + claim.host_blocks :])
    return claim.holding


def use(cache: KVCache, names: list[int]) -> None:
    """Compute a chain and give it back."""
    cache.release(hold(cache, names))


def evict(cache: KVCache, blocks: int) -> Holding:
    """Take blocks without content."""
    return hold(cache, [], blocks)


def from_host(cache: KVCache, names: list[int]) -> int:
    """How many blocks of a chain the host tier gives once the device has lost what nobody holds."""
    cache.release(evict(cache, cache.available_blocks))
    claim = cache.claim(names, len(names))
    assert claim is not None
    cache.release(claim.holding)
    return claim.host_blocks


def test_a_prefix_is_found_only_after_it_was_published() -> None:
    cache = KVCache(4)
    holding = evict(cache, 1)
    assert cache.find([11]) == 0

    cache.publish(holding, [11])
    assert cache.find([11, 12]) == 1


def test_a_match_stops_at_the_first_missing_block() -> None:
    cache = KVCache(4)
    hold(cache, [11, 13])

    assert cache.find([11, 12, 13]) == 1


def test_released_blocks_stay_cached_until_they_are_handed_out_again() -> None:
    cache = KVCache(2)
    use(cache, [11, 12])
    assert cache.used_blocks == 0
    assert cache.find([11, 12]) == 2

    evict(cache, 2)
    assert cache.find([11, 12]) == 0


def test_the_tail_of_a_chain_is_evicted_before_its_head() -> None:
    cache = KVCache(3)
    use(cache, [11, 12, 13])
    evict(cache, 1)

    assert cache.find([11, 12, 13]) == 2


def test_blocks_released_earlier_are_evicted_earlier() -> None:
    cache = KVCache(4)
    use(cache, [11, 12])
    use(cache, [21, 22])
    evict(cache, 2)

    assert cache.find([11, 12]) == 0
    assert cache.find([21, 22]) == 2


def test_a_released_block_without_content_is_handed_out_before_any_content_is_evicted() -> None:
    cache = KVCache(3)
    cache.release(hold(cache, [11, 12], blocks=3))
    evict(cache, 1)

    assert cache.find([11, 12]) == 2


def test_a_long_prompt_gets_the_blocks_of_its_first_chunk_if_all_would_fit() -> None:
    cache = KVCache(4)
    claim = cache.claim([11, 12, 13], 4, chunk_blocks=2)

    assert claim is not None
    assert claim.holding.blocks == 2
    assert cache.available_blocks == 2
    assert cache.claim([21, 22], 3, chunk_blocks=1) is None


def test_using_a_cached_prefix_again_saves_it_from_eviction() -> None:
    cache = KVCache(4)
    use(cache, [11, 12])
    use(cache, [21, 22])
    use(cache, [11, 12])
    evict(cache, 2)

    assert cache.find([11, 12]) == 2
    assert cache.find([21, 22]) == 0


def test_a_chain_that_shares_its_start_holds_the_blocks_of_the_start_once() -> None:
    cache = KVCache(8)
    first = hold(cache, [11, 12, 13])
    second = hold(cache, [11, 12, 23, 24])
    assert cache.used_blocks == 5

    cache.release(first)
    assert cache.used_blocks == 4
    cache.release(second)
    assert cache.used_blocks == 0
    assert cache.find([11, 12, 13]) == 3
    assert cache.find([11, 12, 23, 24]) == 4


def test_what_two_share_is_evicted_after_what_each_has_for_himself() -> None:
    cache = KVCache(6)
    first, second = hold(cache, [11, 12, 13]), hold(cache, [11, 12, 23])
    cache.release(first)
    cache.release(second)
    evict(cache, 4)  # two were never used

    assert cache.find([11, 12]) == 2
    assert cache.find([11, 12, 13]) == cache.find([11, 12, 23]) == 2


def test_holding_cached_blocks_takes_them_from_what_fits() -> None:
    cache = KVCache(3)
    use(cache, [11, 12])

    assert cache.fits([11, 12], 3)
    assert not cache.fits([11, 12], 4)
    assert cache.claim([11, 12], 4) is None
    assert cache.fits([21, 22], 3)


def test_blocks_that_another_holds_take_no_room() -> None:
    cache = KVCache(3)
    hold(cache, [11, 12])

    assert cache.fits([11, 12], 3)
    assert not cache.fits([21], 2)


def test_a_prefix_computed_twice_survives_the_eviction_of_one_copy() -> None:
    cache = KVCache(2)
    first, second = evict(cache, 1), evict(cache, 1)
    cache.publish(first, [11])
    cache.publish(second, [11])
    cache.release(first)
    evict(cache, 1)

    assert cache.find([11]) == 1
    cache.release(second)
    evict(cache, 1)
    assert cache.find([11]) == 0


def test_of_several_copies_the_oldest_is_found() -> None:
    cache = KVCache(3)
    copies = [evict(cache, 1) for _ in range(3)]
    for copy in copies:
        cache.publish(copy, [11])
    cache.release(copies[0])
    evict(cache, 1)
    hold(cache, [11])  # the second copy
    cache.release(copies[1])
    assert cache.available_blocks == 0

    cache.release(copies[2])
    assert cache.available_blocks == 1


def test_chains_may_branch_off_at_any_block() -> None:
    cache = KVCache(9)
    use(cache, [11, 12, 13])
    use(cache, [11, 12, 23, 24])
    use(cache, [11, 32])

    assert [cache.find(chain) for chain in ([11, 12, 13], [11, 12, 23, 24], [11, 32, 33])] == [3, 4, 2]


def test_a_reset_forgets_the_content_of_used_and_unused_blocks() -> None:
    cache = KVCache(3)
    used = hold(cache, [11], 2)
    use(cache, [12])
    cache.reset()

    assert cache.find([11]) == cache.find([12]) == 0
    assert cache.used_blocks == 2
    cache.publish(used, [13])  # what is computed from now on is of after the reset
    other = hold(cache, [11])
    assert cache.find([11, 13]) == 2
    cache.release(used)
    cache.release(other)
    assert cache.available_blocks == 3


def test_growing_beyond_what_is_available_is_an_error() -> None:
    cache = KVCache(2)
    holding = evict(cache, 1)
    with pytest.raises(RuntimeError, match="2 KV blocks are asked for, 1 of 2 are available"):
        cache.grow(holding, 2)


def test_releasing_twice_is_an_error() -> None:
    cache = KVCache(1)
    holding = evict(cache, 1)
    cache.release(holding)
    with pytest.raises(ValueError, match="released already"):
        cache.release(holding)


def test_a_cache_without_blocks_is_refused() -> None:
    with pytest.raises(ValueError, match="num_blocks is 0"):
        KVCache(0)


# The host tier


def test_what_the_device_evicted_is_found_in_the_host_tier() -> None:
    cache = KVCache(3, host_blocks=3)
    use(cache, [11, 12, 13])
    cache.release(evict(cache, 2))
    claim = cache.claim([11, 12, 13], 3)

    assert claim is not None
    assert (claim.device_blocks, claim.host_blocks) == (1, 2)
    assert cache.find([11, 12, 13]) == 3, "what is loaded is on the device again"


def test_what_comes_from_the_host_tier_needs_room_on_the_device() -> None:
    cache = KVCache(3, host_blocks=9)
    use(cache, [11, 12])
    holding = evict(cache, 3)
    assert not cache.fits([11, 12], 2)

    cache.release(holding)
    assert cache.fits([11, 12], 2)


def test_the_host_tier_evicts_what_was_given_back_longest_ago() -> None:
    cache = KVCache(2, host_blocks=4)
    for start in (11, 21, 11, 31):
        use(cache, [start, start + 1])

    assert from_host(cache, [11, 12]) == 2
    assert from_host(cache, [21, 22]) == 0


def test_the_host_tier_evicts_the_tail_of_a_chain_before_its_head() -> None:
    cache = KVCache(3, host_blocks=2)
    use(cache, [11, 12, 13])

    assert from_host(cache, [11, 12, 13]) == 2


def test_an_unbounded_host_tier_never_forgets() -> None:
    cache = KVCache(2, host_blocks=math.inf)
    for name in range(100):
        use(cache, [name])

    assert from_host(cache, [0]) == 1


def test_a_reset_empties_the_host_tier_too() -> None:
    cache = KVCache(2, host_blocks=math.inf)
    use(cache, [11])
    held = hold(cache, [12])
    cache.reset()
    cache.release(held)  # content of before the reset is not copied any more

    assert from_host(cache, [11]) == from_host(cache, [12]) == 0


# Hints


def test_a_demoted_chain_is_evicted_first_and_its_tail_before_its_head() -> None:
    cache = KVCache(4)
    use(cache, [11, 12])
    use(cache, [21, 22])
    assert cache.demote([21, 22]) == 2
    evict(cache, 1)

    assert cache.find([21, 22]) == 1
    assert cache.find([11, 12]) == 2


def test_a_demoted_chain_is_not_evicted_while_blocks_are_empty() -> None:
    cache = KVCache(4)
    use(cache, [11, 12])
    cache.demote([11, 12])
    evict(cache, 2)

    assert cache.find([11, 12]) == 2


def test_what_was_demoted_and_used_again_is_as_good_as_new() -> None:
    cache = KVCache(4)
    use(cache, [11, 12])
    use(cache, [21, 22])
    cache.demote([21, 22])
    use(cache, [21, 22])
    evict(cache, 2)

    assert cache.find([21, 22]) == 2
    assert cache.find([11, 12]) == 0


def test_a_part_of_a_chain_can_be_demoted_and_the_rest_keeps_its_place() -> None:
    cache = KVCache(6)
    use(cache, [11, 12, 13])
    use(cache, [21, 22, 23])
    assert cache.demote([22]) == 1

    evict(cache, 1)
    assert set(cache.names) == {11, 12, 13, 21, 23}
    evict(cache, 3)
    assert set(cache.names) == {21, 23}
    evict(cache, 1)
    assert set(cache.names) == {21}


def test_a_freed_chain_is_gone_from_both_tiers_and_its_blocks_are_used_first() -> None:
    cache = KVCache(4, host_blocks=math.inf)
    use(cache, [11, 12])
    use(cache, [21, 22])
    assert cache.free([21, 22]) == 2
    assert cache.find([21, 22]) == 0

    cache.release(evict(cache, 2))
    assert cache.find([11, 12]) == 2
    assert from_host(cache, [21, 22]) == 0


def test_hints_leave_alone_what_a_request_holds() -> None:
    cache = KVCache(4, host_blocks=math.inf)
    use(cache, [11, 12, 13])
    held = hold(cache, [11])
    assert cache.demote([11, 12, 13]) == 2
    assert cache.free([11, 12, 13]) == 2
    assert cache.find([11, 12, 13]) == 1

    cache.release(held)
    assert from_host(cache, [11, 12]) == 1


def test_freeing_drops_what_only_the_host_tier_has() -> None:
    cache = KVCache(2, host_blocks=math.inf)
    use(cache, [11, 12])
    cache.release(evict(cache, 2))
    assert cache.free([11, 12]) == 0

    assert from_host(cache, [11, 12]) == 0
