"""Keys on a circle of shards."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from thunderagent.core.sharding.ring import Ring, position

KEYS = [f"program-{number}" for number in range(300)]
shards = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 40), min_size=1)


def ring(**points: int) -> Ring:
    made = Ring()
    for shard, count in points.items():
        made.set_points(shard, count)
    return made


def owners(of: Ring) -> dict[str, str]:
    return {key: next(of.walk(key)) for key in KEYS}


def test_a_key_has_the_same_place_in_every_process_and_on_every_machine() -> None:
    assert position("program-1") == 1_484_712_685_013_776_058
    assert position("\ud800") != position("\ud801"), "ids that no encoding takes are no error"


def test_keys_spread_by_points() -> None:
    counts = Counter(owners(ring(small=64, large=192)).values())
    assert 0.15 < counts["small"] / len(KEYS) < 0.35


def test_an_empty_ring_has_no_place() -> None:
    assert list(Ring().walk("a")) == []


@given(shards)
def test_every_shard_is_passed_once(points: dict[str, int]) -> None:
    assert sorted(ring(**points).walk("a")) == sorted(points)


@given(shards, st.integers(1, 40))
def test_a_shard_that_joins_takes_keys_and_moves_no_others(points: dict[str, int], count: int) -> None:
    made = ring(**points)
    before = owners(made)
    made.set_points("new", count)
    after = owners(made)
    assert all(after[key] in (before[key], "new") for key in KEYS)
    made.set_points("new", 0)
    assert owners(made) == before
    assert "new" not in made


@given(shards, st.sampled_from("abcdef"), st.integers(0, 40))
def test_what_a_shard_has_become_does_not_depend_on_how(points: dict[str, int], shard: str, count: int) -> None:
    changed = ring(**points)
    changed.set_points(shard, count)
    wanted = {name: number for name, number in {**points, shard: count}.items() if number}
    fresh = ring(**wanted)
    assert not wanted or owners(changed) == owners(fresh)


def test_the_version_tells_of_changes_only() -> None:
    made = ring(a=3)
    version = made.version
    made.set_points("a", 3)
    assert made.version == version
    made.set_points("a", 2)
    assert made.version > version
