"""The benchmark of shards, tiny: one leaves and comes back, everything goes on, the figures have their shape. No times."""

from __future__ import annotations

import pytest

from benchmarks.scale import shard_efficiency, shards
from benchmarks.scale.shard_world import World, sharded


def world(programs: int = 320) -> World:
    made = World(sharded(), programs, 16, shards=4)
    made.run(4 * programs)
    return made


def test_when_a_shard_leaves_its_programs_alone_go_on_elsewhere() -> None:
    before = world()
    homes = before.homes()
    before.leave(2)
    before.run(before.sent + 2_000)
    moves = before.moves(homes, 2)
    assert moves.from_it > 0.8 * moves.on_it > 0, "but for those in a long tool call"
    assert moves.to_it == 0
    assert moves.others < 0.05 * moves.elsewhere
    before.front.check_invariants()


def test_when_it_comes_back_nobody_moves_but_to_it() -> None:
    before = world()
    before.leave(2)
    before.run(before.sent + 1_000)
    homes = before.homes()
    before.come_back(2)
    before.run(before.sent + 1_000)
    moves = before.moves(homes, 2)
    assert moves.others == 0
    assert before.front.placement.programs("shard-2") > 0
    before.front.check_invariants()


def test_no_turn_is_lost_on_the_way() -> None:
    before = world()
    before.leave(1)
    before.run(before.sent + 1_000)
    before.come_back(1)
    before.run(before.sent + 3_000)
    counters = before.front.counters
    over = counters.refused + counters.aborted + before.turns
    assert counters.turns == over + len(before._agents)


@pytest.mark.parametrize("shard_size", [4, 2])
def test_full_engines_run_under_one_scheduler_and_under_several(shard_size: int) -> None:
    result = shard_efficiency.run(shard_efficiency.Job(4, shard_size, 0, 40.0))
    assert result.turns_per_hour > 0
    assert 0 <= result.hit_rate <= 1


def test_the_figures_have_their_goals(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"QUICK_ENGINES": 4, "PROGRAMS_PER_ENGINE": 20, "REPLAYS": 1, "PLACED": 100}.items():
        monkeypatch.setattr(shards, name, value)
    monkeypatch.setattr(shard_efficiency, "measure", lambda quick: {})
    figures = shards.measure(quick=True)
    assert figures["shards_programs"].value == 400
    assert figures["shards_balance"].goal == "<= 1.25"
    assert {name.partition("_")[0] for name in figures} == {"shards", "shard"}
