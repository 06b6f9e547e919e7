"""A reading tells of each rank, and of all together."""

from __future__ import annotations

from thunderagent.adapters.engines.reading import EngineKind, Rank, Reading

FIRST = Rank(0, 1_000, 10, 0.5, 1, 2, 3, 4, 5)
SECOND = Rank(1, 3_000, 20, 0.9, 10, 20, 30, 40, 50)


def test_all_ranks_together_are_as_one() -> None:
    reading = Reading(EngineKind.VLLM, (FIRST, SECOND))
    assert reading.capacity_tokens == 4_000
    assert reading.load(None) == Rank(0, 4_000, 30, 0.8, 11, 22, 33, 44, 55)


def test_what_one_rank_does_not_tell_is_not_told_of_all() -> None:
    reading = Reading(EngineKind.VLLM, (FIRST, Rank(1, None)))
    assert reading.capacity_tokens is None
    assert reading.load(None) == Rank(0, None, 10)


def test_one_rank_is_told_by_its_number() -> None:
    reading = Reading(EngineKind.VLLM, (FIRST, SECOND))
    assert (reading.load(1), reading.load(2)) == (SECOND, None)
    assert Reading(EngineKind.VLLM, (SECOND,)).load(None) == SECOND
