"""What looks at an engine prove: when it is up, when it is lost, and how much it holds."""

from __future__ import annotations

from thunderagent.adapters.engines.standing import STALE_S, Standing


def standing(capacity: int | None = 1_000) -> Standing:
    """An engine that is up since time 0."""
    made = Standing("http://engine", 0.0)
    assert made.answered(capacity, None, 0.0)
    return made


def test_one_answer_joins_an_engine_that_was_never_up() -> None:
    engine = Standing("http://engine", 0.0)
    assert not engine.failed("refused", 1.0), "what is not up cannot be lost"
    assert not engine.failed("refused", 2.0)
    assert (engine.up, engine.status(5.0).for_s, engine.status(5.0).problem) == (False, 5.0, "refused")
    assert engine.answered(1_000, None, 6.0)
    assert (engine.up, engine.status(7.0).for_s, engine.status(7.0).problem) == (True, 1.0, None)


def test_one_failure_does_not_lose_an_engine_but_two_in_a_row_do() -> None:
    engine = standing()
    for _ in range(5):
        assert not engine.failed("slow", 1.0)
        engine.answered(1_000, None, 2.0)
    assert not engine.failed("slow", 3.0)
    assert engine.failed("slow", 4.0)
    assert not engine.failed("slow", 5.0), "it is lost once"
    assert engine.status(6.0).for_s == 2.0


def test_a_lost_engine_has_to_answer_twice_in_a_row() -> None:
    engine = standing()
    engine.failed("gone", 1.0)
    engine.failed("gone", 2.0)
    assert not engine.answered(1_000, None, 3.0)
    engine.failed("gone", 4.0)
    assert not engine.answered(1_000, None, 5.0)
    assert engine.answered(1_000, None, 6.0)
    assert not engine.answered(1_000, None, 7.0), "it joins once"


def test_a_page_that_says_nothing_leaves_the_capacity_as_it_was() -> None:
    engine = standing()
    assert not engine.answered(None, "garbage", 1.0)
    assert (engine.up, engine.capacity_tokens, engine.status(1.0).problem) == (True, 1_000, "garbage")
    engine.failed("gone", 2.0)
    engine.failed("gone", 3.0)
    engine.answered(None, "starting", 4.0)
    assert engine.answered(None, "starting", 5.0)
    assert engine.capacity_tokens == 1_000, "not unlimited, as one that was never told"


def test_an_engine_restarted_with_another_size_has_that_size() -> None:
    engine = standing()
    assert engine.answered(3_000, None, 1.0)
    assert engine.answered(500, None, 2.0)
    assert engine.capacity_tokens == 500


def test_after_a_long_silence_growth_has_to_be_told_twice_in_a_row() -> None:
    engine, now = standing(), STALE_S + 1.0
    assert not engine.answered(9_000, None, now)
    assert not engine.answered(8_000, None, now), "something else again"
    assert not engine.answered(None, "garbage", now)
    assert not engine.answered(8_000, None, now)
    assert engine.capacity_tokens == 1_000
    assert engine.answered(8_000, None, now)
    assert engine.capacity_tokens == 8_000
    assert engine.answered(9_000, None, now), "that was no silence"


def test_after_a_long_silence_a_smaller_capacity_and_the_same_one_are_believed_at_once() -> None:
    engine, now = standing(), STALE_S + 1.0
    assert not engine.answered(1_000, None, now)
    assert engine.answered(2_000, None, now)
    assert engine.answered(400, None, 3 * now)


def test_a_capacity_told_for_the_first_time_is_believed_however_late() -> None:
    engine = standing(capacity=None)
    assert engine.answered(9_000, None, 1_000.0)


def test_a_fixed_capacity_is_not_changed_by_what_is_told() -> None:
    engine = Standing("http://engine", 0.0, fixed_capacity_tokens=7)
    assert engine.answered(9_000, None, 0.0)
    assert not engine.answered(8_000, None, 1.0)
    assert engine.capacity_tokens == 7
