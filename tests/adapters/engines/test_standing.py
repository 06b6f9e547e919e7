"""What looks at an engine prove: when it is up, in doubt or lost, which backends it is, and when their KV caches are gone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from thunderagent.adapters.engines.reading import EngineKind, Rank, Reading, same_process
from thunderagent.adapters.engines.standing import CacheLost, Doubt, Lost, Standing, Up

URL = "http://engine"
ONE = Up(URL, 1_000, 0)


def reading(*capacities: int | None, problems: tuple[str, ...] = (), **fields: object) -> Reading:
    """Of an engine with so many ranks; its fields are those of a rank or of the reading."""
    of_ranks = {name: value for name, value in fields.items() if name in Rank.__dataclass_fields__}
    of_all = {name: value for name, value in fields.items() if name not in of_ranks}
    ranks = tuple(Rank(index, tokens) for index, tokens in enumerate(capacities or (1_000,)))
    ranks = tuple(replace(rank, **of_ranks) for rank in ranks)  # type: ignore[arg-type]
    whole = Reading(EngineKind.VLLM, ranks, routes_ranks=len(ranks) > 1, problems=problems)
    return replace(whole, **of_all)  # type: ignore[arg-type]


def standing(*capacities: int | None, per_rank: bool = False, fixed: int | None = None, **fields: object) -> Standing:
    """An engine that is up since time 0."""
    made = Standing(URL, 0.0, fixed, per_rank)
    assert made.answered(reading(*capacities, **fields), 0.0)
    return made


def ranks_up(*capacities: int | None) -> list[Up]:
    return [Up(f"{URL}#{index}", tokens, 0) for index, tokens in enumerate(capacities)]


# Up and lost


def test_one_right_answer_joins_an_engine_that_was_never_up() -> None:
    engine = Standing(URL, 0.0)
    assert engine.failed("refused", 1.0) == engine.failed("refused", 2.0) == [], "what is not up cannot be lost"
    status = engine.status(None, 5.0)
    assert (status.up, status.for_s, status.problem, status.kind) == (False, 5.0, "refused", None)
    assert engine.answered(reading(), 6.0) == [ONE]
    status = engine.status(EngineKind.VLLM, 7.0)
    assert (status.up, status.for_s, status.problem, status.kind) == (True, 1.0, None, EngineKind.VLLM)


def test_one_failure_does_not_lose_an_engine_but_two_in_a_row_do() -> None:
    engine = standing()
    for _ in range(5):
        assert engine.failed("slow", 1.0) == []
        assert engine.answered(reading(), 2.0) == []
    assert engine.failed("slow", 3.0) == []
    assert engine.failed("slow", 4.0) == [Lost(URL)]
    assert engine.failed("slow", 5.0) == [], "it is lost once"
    assert engine.status(None, 6.0).for_s == 2.0


def test_a_lost_engine_has_to_answer_rightly_twice_in_a_row() -> None:
    engine = standing()
    engine.failed("gone", 1.0)
    engine.failed("gone", 2.0)
    assert engine.answered(reading(), 3.0) == []
    engine.failed("gone", 4.0)
    assert engine.answered(reading(), 5.0) == []
    assert engine.answered_wrongly("starting", 5.5) == []
    assert engine.answered(reading(), 6.0) == []
    assert engine.answered(reading(), 7.0) == [ONE]
    assert engine.answered(reading(), 8.0) == [], "it joins once"


def test_a_right_page_that_tells_no_capacity_joins_and_leaves_the_capacity_as_it_was() -> None:
    assert Standing(URL, 0.0).answered(reading(None, problems=("tells none",)), 0.0) == [Up(URL, None, 0)]
    engine = standing()
    assert engine.answered(reading(None, problems=("tells none",)), 1.0) == []
    assert (engine.up, engine.capacity_tokens, engine.problem) == (True, 1_000, "tells none")
    engine.failed("gone", 2.0)
    engine.failed("gone", 3.0)
    engine.answered(reading(None), 4.0)
    assert engine.answered(reading(None), 5.0) == [ONE], "not unlimited, as one that was never told"


def test_an_engine_with_another_capacity_or_host_tier_is_told_again() -> None:
    engine = standing()
    assert engine.answered(reading(3_000), 1.0) == [Up(URL, 3_000, 0)]
    assert engine.answered(reading(3_000, host_tokens=50), 1.0) == [Up(URL, 3_000, 50)]


# Wrong answers


def test_wrong_answers_never_join_an_engine() -> None:
    engine = Standing(URL, 0.0)
    for _ in range(9):
        assert engine.answered_wrongly("/metrics is HTML", 1.0) == []
    assert (engine.up, engine.problem) == (False, "/metrics is HTML")


def test_three_wrong_answers_in_a_row_cost_an_engine_its_new_turns_and_two_right_ones_give_them_back() -> None:
    engine = standing()
    for _ in range(5):
        assert engine.answered_wrongly("HTML", 1.0) == engine.answered_wrongly("HTML", 2.0) == []
        assert engine.answered(reading(), 3.0) == []
    assert engine.answered_wrongly("HTML", 4.0) == engine.answered_wrongly("404", 5.0) == []
    assert engine.answered_wrongly("HTML", 6.0) == [Doubt(URL, healthy=False)]
    assert engine.answered_wrongly("HTML", 7.0) == [], "told once"
    assert (engine.up, engine.capacity_tokens, engine.status(None, 7.0).doubted) == (True, 1_000, True)
    assert engine.answered(reading(), 8.0) == []
    assert engine.answered_wrongly("HTML", 9.0) == []
    assert engine.answered(reading(), 10.0) == []
    assert engine.answered(reading(), 11.0) == [Doubt(URL, healthy=True)]
    assert engine.answered(reading(), 12.0) == []


def test_a_doubted_engine_can_be_lost_and_comes_back_without_doubt() -> None:
    engine = standing()
    for _ in range(3):
        engine.answered_wrongly("HTML", 1.0)
    engine.failed("gone", 2.0)
    assert engine.failed("gone", 3.0) == [Lost(URL)]
    assert not engine.doubted
    engine.answered(reading(), 4.0)
    assert engine.answered(reading(), 5.0) == [ONE]


def test_wrong_answers_are_answers_all_the_same() -> None:
    engine = standing()
    for now in range(1, 9):
        assert Lost(URL) not in [*engine.failed("slow", now), *engine.answered_wrongly("HTML", now)]


# A fixed capacity


def test_with_a_fixed_capacity_every_answer_is_right() -> None:
    engine = Standing(URL, 0.0, fixed_capacity_tokens=7)
    assert engine.answered_wrongly("404", 0.0) == [Up(URL, 7, 0)]
    for _ in range(9):
        assert engine.answered_wrongly("404", 1.0) == engine.answered(reading(9_000, problems=("none",)), 2.0) == []
    assert (engine.capacity_tokens, engine.problem) == (7, None)
    engine.failed("gone", 3.0)
    assert engine.failed("gone", 4.0) == [Lost(URL)]
    assert engine.answered_wrongly("404", 5.0) == []
    assert engine.answered_wrongly("404", 6.0) == [Up(URL, 7, 0)]


def test_ranks_share_a_fixed_capacity() -> None:
    engine = Standing(URL, 0.0, 1_001, per_rank=True)
    assert engine.answered(reading(9, 9), 0.0) == ranks_up(500, 500)
    assert engine.answered_wrongly("404", 1.0) == []
    assert engine.capacity_tokens == 1_001


# Ranks


def test_each_rank_that_requests_can_name_is_a_backend() -> None:
    engine = Standing(URL, 0.0, per_rank=True)
    assert engine.answered(reading(1_000, 2_000), 0.0) == ranks_up(1_000, 2_000)
    assert engine.capacity_tokens == 3_000
    assert engine.answered(reading(1_000, 500), 1.0) == [Up(f"{URL}#1", 500, 0)]
    engine.failed("gone", 2.0)
    assert engine.failed("gone", 3.0) == [Lost(f"{URL}#0"), Lost(f"{URL}#1")]


@pytest.mark.parametrize(("per_rank", "routes_ranks"), [(False, True), (True, False)])
def test_otherwise_the_engine_is_one_backend_with_the_sum(per_rank: bool, routes_ranks: bool) -> None:
    engine = Standing(URL, 0.0, per_rank=per_rank)
    told = engine.answered(reading(1_000, 2_000, host_tokens=5, routes_ranks=routes_ranks), 0.0)
    assert told == [Up(URL, 3_000, 10)]
    assert engine.answered(reading(1_000, None, routes_ranks=routes_ranks, host_tokens=5), 1.0) == []
    assert engine.capacity_tokens == 3_000, "a part is not the whole"


def test_an_engine_with_one_rank_is_one_backend() -> None:
    assert Standing(URL, 0.0, per_rank=True).answered(reading(1_000), 0.0) == [ONE]


def test_ranks_appear_at_once_and_vanish_when_they_are_missing_twice() -> None:
    engine = standing(1, 2, per_rank=True)
    assert engine.answered(reading(1, 2, 3), 1.0) == [Up(f"{URL}#2", 3, 0)]
    for _ in range(3):
        assert engine.answered(reading(1, 2), 2.0) == []
        assert engine.answered(reading(1, 2, 3), 3.0) == []
    assert engine.answered(reading(1), 4.0) == []
    assert engine.answered(reading(1), 5.0) == [Lost(f"{URL}#1"), Lost(f"{URL}#2")]
    assert engine.answered(reading(1), 6.0) == [], "the last one keeps its name"


def test_an_engine_that_grows_to_ranks_is_never_counted_twice() -> None:
    engine = standing(1_000, per_rank=True)
    assert engine.answered(reading(1_000, 1_000), 1.0) == []
    assert engine.answered(reading(1_000, 1_000), 2.0) == [Lost(URL), *ranks_up(1_000, 1_000)]


def test_doubt_is_about_every_rank() -> None:
    engine = standing(1, 2, per_rank=True)
    engine.answered_wrongly("HTML", 1.0)
    engine.answered_wrongly("HTML", 2.0)
    assert engine.answered_wrongly("HTML", 3.0) == [Doubt(f"{URL}#0", healthy=False), Doubt(f"{URL}#1", healthy=False)]


# Lost caches


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"started_at_s": 1.0}, {"started_at_s": 2.0}),
        ({"weight_version": "1"}, {"weight_version": "2"}),
        ({"preemptions": 3}, {"preemptions": 0}),
        ({"queried_tokens": 300}, {"queried_tokens": 299}),
        ({"hit_tokens": 300}, {"hit_tokens": 0}),
    ],
)
def test_another_process_other_weights_or_counters_that_fell_lose_the_cache_once(before: dict, after: dict) -> None:
    engine = standing(**before)
    assert engine.answered(reading(**before), 1.0) == []
    assert engine.answered(reading(**after), 2.0) == [CacheLost(URL)]
    assert engine.answered(reading(**after), 3.0) == []


def test_wrong_answers_in_between_hide_no_restart() -> None:
    engine = standing(started_at_s=1.0)
    engine.answered_wrongly("HTML", 1.0)
    engine.failed("slow", 2.0)
    assert engine.answered(reading(started_at_s=2.0), 3.0) == [CacheLost(URL)]


def test_what_is_not_told_proves_nothing() -> None:
    engine = standing(started_at_s=1.0, weight_version="1", preemptions=3)
    assert engine.answered(reading(), 1.0) == []
    assert engine.answered(reading(started_at_s=1.0, weight_version="1", preemptions=4), 2.0) == []


def test_a_rank_whose_counters_fell_has_lost_its_own_cache_only() -> None:
    engine = standing(1, 2, per_rank=True, hit_tokens=5)
    fell = reading(1, 2, hit_tokens=5)
    fell = replace(fell, ranks=(fell.ranks[0], replace(fell.ranks[1], hit_tokens=0)))
    assert engine.answered(fell, 1.0) == [CacheLost(f"{URL}#1")]
    assert engine.answered(replace(fell, weight_version="1"), 2.0) == []
    told = engine.answered(replace(fell, weight_version="2"), 3.0)
    assert told == [CacheLost(f"{URL}#0"), CacheLost(f"{URL}#1")]


def test_an_engine_that_was_lost_comes_back_with_an_empty_cache_anyway() -> None:
    engine = standing(started_at_s=1.0)
    engine.failed("gone", 1.0)
    engine.failed("gone", 2.0)
    assert engine.answered(reading(started_at_s=2.0), 3.0) == []
    assert engine.answered(reading(started_at_s=2.0), 4.0) == [ONE]


# Weights that answers show


def test_weights_that_an_answer_shows_lose_the_cache_of_every_rank_once() -> None:
    engine = standing(1_000, 1_000, per_rank=True, weight_version="1")
    lost = [CacheLost(f"{URL}#0"), CacheLost(f"{URL}#1")]
    assert engine.saw_weights("1") == []
    assert engine.saw_weights("2") == lost
    assert engine.saw_weights("2") == []
    assert engine.answered(reading(1_000, 1_000, weight_version="2"), 1.0) == [], "the look says what is known"
    assert engine.answered(reading(1_000, 1_000, weight_version="3"), 2.0) == lost
    assert engine.saw_weights("3") == []


def test_the_first_weights_that_are_seen_change_nothing_and_are_remembered_where_looks_do_not_tell() -> None:
    engine = standing()
    assert engine.saw_weights("1") == []
    assert engine.answered(reading(), 1.0) == []
    assert engine.saw_weights("2") == [CacheLost(URL)]


def test_an_answer_of_an_engine_that_is_gone_loses_nothing() -> None:
    engine = standing(weight_version="1")
    for now in (1.0, 2.0):
        engine.failed("slow", now)
    assert engine.saw_weights("2") == []


# The same process as before


def test_an_engine_is_another_one_if_anything_that_it_tells_is_another() -> None:
    made = standing(started_at_s=5.0, weight_version="1", queried_tokens=70)
    before = made.identity(None)
    assert same_process(before, made.identity(None))
    for other in (
        {"started_at_s": 6.0, "weight_version": "1", "queried_tokens": 70},
        {"started_at_s": 5.0, "weight_version": "2", "queried_tokens": 70},
        {"started_at_s": 5.0, "weight_version": "1", "queried_tokens": 69},
    ):
        assert not same_process(before, standing(**other).identity(None))
    assert same_process(before, standing(started_at_s=5.0, queried_tokens=99).identity(None)), "it may tell less, and go on"
    made.saw_weights("2")
    assert not same_process(before, made.identity(None)), "answers tell of weights too"


@pytest.mark.parametrize("odd", [None, "x", [], [1, 2], {"a": 1}])
def test_an_identity_that_cannot_be_is_nobodys(odd: object) -> None:
    assert not same_process(odd, standing().identity(None))


def test_an_engine_that_was_never_read_may_be_any() -> None:
    assert Standing(URL, 0.0).identity(None) == [None, None, None]
    assert same_process([5.0, "1", 70], Standing(URL, 0.0).identity(3))
