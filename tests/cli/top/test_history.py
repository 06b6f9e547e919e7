"""Rates of the last minutes."""

from __future__ import annotations

from thunderagent.cli.top.history import COLUMN_S, COLUMNS, History


def looked(*looks: tuple[float, float, float, float]) -> History:
    history = History()
    for at, steps, prompt_tokens, cached_tokens in looks:
        history.add(at, {"steps": steps, "prompt_tokens": prompt_tokens, "cached_tokens": cached_tokens})
    return history


def test_one_look_tells_no_rate() -> None:
    history = looked((1_000, 5, 100, 50))
    assert history.now() == (None, None)
    assert history.steps_per_min(10) == history.hit_rate(10) == []


def test_each_column_has_the_rate_of_its_own_seconds() -> None:
    history = looked((1_000, 0, 0, 0), (1_005, 5, 1_000, 500), (1_010, 15, 2_000, 1_500), (1_015, 15, 2_000, 1_500))
    assert history.steps_per_min(10) == [60, 120, 0]
    assert history.hit_rate(10) == [0.5, 1.0, None]
    assert history.steps_per_min(2) == [120, 0]


def test_looks_within_one_column_share_it_and_are_seen_at_once() -> None:
    history = looked((1_000, 0, 0, 0), (1_001, 1, 10, 0))
    assert history.steps_per_min(10) == [60]
    history.add(1_002, {"steps": 4, "prompt_tokens": 10, "cached_tokens": 0})
    assert history.steps_per_min(10) == [120]


def test_what_is_told_as_now_is_of_the_last_seconds() -> None:
    history = looked((1_000, 0, 0, 0), (1_005, 1_000, 10, 0), (1_010, 1_001, 110, 50), (1_015, 1_002, 210, 150))
    assert history.now() == (12, 0.75)


def test_time_in_which_nobody_looked_is_blank() -> None:
    history = looked((1_000, 0, 0, 0), (1_005, 5, 0, 0), (1_020, 5, 0, 0))
    assert history.steps_per_min(10) == [60, None, None, 0]
    long_away = looked((1_000, 0, 0, 0), (90_000, 5, 0, 0))
    assert long_away.steps_per_min(4)[:3] == [None, None, None]


def test_a_gateway_that_was_started_anew_begins_anew() -> None:
    history = looked((1_000, 50, 100, 100), (1_005, 60, 100, 100), (1_010, 2, 0, 0))
    assert history.steps_per_min(10) == []
    assert looked((1_000, 5, 0, 0), (900, 5, 0, 0), (905, 6, 0, 0)).steps_per_min(10) == [12]


def test_it_does_not_grow_without_end() -> None:
    history = looked(*((1_000 + COLUMN_S * number, number, 0, 0) for number in range(3 * COLUMNS)))
    assert len(history.steps_per_min(10_000)) == COLUMNS - 1
