"""Programs on shards: balanced, together, and where they were."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from thunderagent.core.sharding.placement import BOUND, GROUP_BOUND, LIGHT_PROGRAMS, NOWHERE, Home, Placement
from thunderagent.errors import ContractError


def placement(**weights: float) -> Placement:
    made = Placement()
    for shard, weight in weights.items():
        made.weigh(shard, weight)
    return made


def spread(on: Placement) -> Counter[str]:
    return Counter(home.shard for home in on.homes.values())


def test_a_program_keeps_its_home() -> None:
    on = placement(a=8, b=8)
    home = on.place("p")
    on.weigh("c", 8)
    assert on.place("p") is home


def test_programs_are_spread_by_weight() -> None:
    on = placement(small=8, large=24)
    for number in range(4_000):
        on.place(f"p{number}")
    assert 0.2 < spread(on)["small"] / 4_000 < 0.25 * BOUND + 0.001


def test_no_shard_gets_more_than_the_bound() -> None:
    on = placement(a=1, b=1, c=1, d=1)  # few points: the ring alone would be far off
    for number in range(1_000):
        on.place(f"p{number}")
    assert max(spread(on).values()) <= math.ceil(BOUND * 1_000 / 4)


def test_a_group_stays_together_when_its_shard_has_become_full() -> None:
    on = placement(a=8, b=8, c=8, d=8)
    for number in range(400):
        on.place(f"p{number}")
    groups = [{on.place(f"{group}/{member}", f"{group}").shard for member in range(8)} for group in range(40)]
    assert sum(len(shards) > 1 for shards in groups) == 0


def test_one_group_for_everything_is_spread_all_the_same() -> None:
    on = placement(a=8, b=8, c=8, d=8)
    for number in range(1_000):
        on.place(f"p{number}", "all")
    assert max(spread(on).values()) <= math.ceil(GROUP_BOUND * 1_000 / 4)


def test_the_shard_of_a_group_is_forgotten_with_its_last_member() -> None:
    on = placement(a=8, b=8)
    first, second = on.place("g/0", "g"), on.place("g/1", "g")
    assert first.shard == second.shard
    on.leave(first)
    on.leave(second)
    assert not on.homes
    assert not on._groups
    assert on.programs("a") == on.programs("b") == 0


def test_only_what_belongs_to_a_shard_that_joins_moves_there() -> None:
    on = placement(a=8, b=8, c=8)
    homes = [on.place(f"p{number}") for number in range(3_000)]
    before = {home.program_id: home.shard for home in homes}
    on.weigh("d", 8)
    moved = [home for home in homes if on.reconsider(home)]
    assert all(home.shard == "d" for home in moved if before[home.program_id] == belongs(on, home, besides="d"))
    assert 0.15 < len(moved) / 3_000 < 0.35
    assert not any(on.reconsider(home) for home in homes), "nothing has changed since"


def belongs(on: Placement, home: Home, *, besides: str) -> str:
    """By the ring alone."""
    return next(shard for shard in on._ring.walk(home.key) if shard != besides)


def test_only_what_lived_on_a_shard_that_left_moves() -> None:
    on = placement(a=8, b=8, c=8)
    homes = [on.place(f"p{number}") for number in range(3_000)]
    before = {home.program_id: home.shard for home in homes if home.shard == next(on._ring.walk(home.key))}
    on.weigh("c", 0)
    moved = {home.program_id for home in homes if on.reconsider(home)}
    assert {name for name in moved if name in before} == {name for name, shard in before.items() if shard == "c"}
    assert on.programs("c") == 0


def test_a_program_stays_where_it_is_if_where_it_belongs_is_full() -> None:
    on = placement(a=8)
    homes = [on.place(f"p{number}") for number in range(100)]
    on.weigh("b", 1)
    moved = sum(on.reconsider(home) for home in homes)
    assert 0 < moved <= math.ceil(BOUND * 101 / 9)


def test_a_group_is_not_torn_apart_while_there_is_hardly_anything_else() -> None:
    on = placement(a=1, b=1, c=1, d=1)
    assert len({on.place(f"g/{member}", "g").shard for member in range(LIGHT_PROGRAMS)}) == 1


def test_without_any_shard_a_program_is_nowhere_and_stays_so() -> None:
    on = placement(a=8)
    home, other = on.place("p"), placement().place("p")
    assert other.shard == NOWHERE
    on.weigh("a", 0)
    assert not on.reconsider(home)
    assert home.shard == "a"


def test_a_group_that_is_nowhere_goes_where_there_is_something() -> None:
    on = placement()
    first = on.place("g/0", "g")
    on.weigh("a", 8)
    assert on.place("g/1", "g").shard == "a"
    assert on.reconsider(first)
    assert first.shard == "a"


@pytest.mark.parametrize("bounds", [(1.0, 2.0), (1.5, 1.2), (1.2, math.inf), (math.nan, 2.0)])
def test_bounds_that_cannot_be_are_refused(bounds: tuple[float, float]) -> None:
    with pytest.raises(ContractError, match="needed: 1 < bound <= group_bound"):
        Placement(*bounds)


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf, 10_001.0])
def test_weights_that_cannot_be_are_refused(weight: float) -> None:
    with pytest.raises(ContractError, match="weight of shard 'a'"):
        Placement().weigh("a", weight)


def test_a_shard_that_nobody_knows_has_no_programs() -> None:
    assert Placement().programs("x") == 0


def test_a_group_whose_shard_left_is_together_again_elsewhere() -> None:
    on = placement(a=8, b=8, c=8, d=8)
    groups = [[on.place(f"{group}/{member}", f"{group}") for member in range(8)] for group in range(60)]
    on.weigh("a", 0)
    moved = [[on.reconsider(home) for home in group] for group in groups]
    assert any(all(group) for group in moved)
    assert all(len({home.shard for home in group}) == 1 for group in groups)


def test_routers_that_know_nothing_of_each_other_agree_and_keep_the_bound_together() -> None:
    weights = {"a": 1.0, "b": 1.0, "c": 2.0}
    routers = [placement(**weights) for _ in range(3)]
    for number in range(3_000):
        routers[number % 3].place(f"p{number}")
    for shard, weight in weights.items():
        assert sum(router.programs(shard) for router in routers) <= BOUND * 3_000 * weight / 4 + len(routers)
    fresh = [placement(**weights) for _ in range(3)]
    assert len({router.place("q", "g").shard for router in fresh}) == 1


class PlacementMachine(RuleBasedStateMachine):
    """Programs come and go, shards grow, shrink, join and leave."""

    def __init__(self) -> None:
        super().__init__()
        self.placement = Placement()
        self.weights: dict[str, float] = {}
        self.born = 0

    def bound(self, shard: str, bound: float) -> int:
        """Of a shard, for the program that has just come to it."""
        placed = sum(home.shard in self.placement._ring for home in self.placement.homes.values())
        return math.ceil(max(LIGHT_PROGRAMS, bound * placed / sum(self.weights.values())) * self.weights[shard])

    @rule(group=st.sampled_from(["", "", "g", "h"]))
    def come(self, group: str) -> None:
        self.born += 1
        home = self.placement.place(f"p{self.born}", group)
        if not any(self.weights.values()):
            assert home.shard == NOWHERE
        else:
            assert self.placement.programs(home.shard) <= self.bound(home.shard, GROUP_BOUND if group else BOUND)

    @precondition(lambda self: self.placement.homes)
    @rule(data=st.data())
    def go(self, data: st.DataObject) -> None:
        self.placement.leave(self.placement.homes[data.draw(st.sampled_from(sorted(self.placement.homes)))])

    @rule(shard=st.sampled_from("abcd"), weight=st.sampled_from([0.0, 0.1, 0.2, 0.2, 0.5]))
    def weigh(self, shard: str, weight: float) -> None:
        self.weights[shard] = weight
        self.placement.weigh(shard, weight)

    @precondition(lambda self: self.placement.homes)
    @rule(data=st.data())
    def reconsider(self, data: st.DataObject) -> None:
        home = self.placement.homes[data.draw(st.sampled_from(sorted(self.placement.homes)))]
        before = home.shard
        moved = self.placement.reconsider(home)
        assert moved == (home.shard != before)
        if moved:
            assert self.weights[home.shard], "nobody moves to a shard that takes nothing"
            assert self.placement.programs(home.shard) <= self.bound(home.shard, GROUP_BOUND if home.group else BOUND)
        elif any(self.weights.values()):
            assert self.weights[before], "nobody stays on a shard that takes nothing while another one does"
        assert not self.placement.reconsider(home), "it is asked once per change"

    @invariant()
    def counts_are_true(self) -> None:
        counted = spread(self.placement)
        assert all(self.placement.programs(shard) == counted[shard] for shard in (*self.weights, NOWHERE))
        groups = Counter(home.group for home in self.placement.homes.values() if home.group)
        assert {name: group.members for name, group in self.placement._groups.items()} == groups


TestPlacement = PlacementMachine.TestCase
TestPlacement.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
