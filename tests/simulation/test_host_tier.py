from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thunderagent.simulation.host_tier import HostTier


def test_a_count_stops_at_the_first_gap() -> None:
    tier = HostTier(9)
    tier.store([1, 2, 4])

    assert tier.count([1, 2, 3, 4]) == 2
    assert tier.count([2]) == 1
    assert tier.count([]) == 0


def test_storing_again_makes_young_again() -> None:
    tier = HostTier(4)
    tier.store([1, 2])
    tier.store([3, 4])
    tier.store([1, 2])
    tier.store([5, 6])

    assert tier.count([1, 2]) == 2
    assert tier.count([3]) == tier.count([4]) == 0


def test_without_capacity_there_is_no_tier() -> None:
    tier = HostTier(0)
    tier.store([1])

    assert len(tier) == 0


def test_what_is_dropped_or_cleared_is_gone() -> None:
    tier = HostTier(math.inf)
    tier.store([1, 2, 3])
    tier.drop([2, 9])
    assert tier.count([1, 2, 3]) == 1

    tier.clear()
    assert len(tier) == 0


@pytest.mark.parametrize("capacity", [1, 5, math.inf])
@given(chains=st.lists(st.lists(st.integers(0, 20), max_size=8, unique=True), max_size=20))
def test_it_keeps_what_was_stored_last(capacity: float, chains: list[list[int]]) -> None:
    tier, newest_first = HostTier(capacity), list[int]()
    for chain in chains:
        tier.store(chain)
        newest_first = [*chain, *(name for name in newest_first if name not in chain)]
        newest_first = newest_first if capacity == math.inf else newest_first[: int(capacity)]

        assert {name for name in range(21) if tier.count([name])} == set(newest_first)
