"""What usage and the engines' events tell of a backend."""

from __future__ import annotations

import pytest

from tests.core.driver import Driver
from thunderagent.core import CacheLost, FirstToken, KvResident, ThunderPolicy, TurnEnded, Usage
from thunderagent.core.policies.thunder import FEEDBACK
from thunderagent.core.residency import SPEED_DOWN_RATE, SPEED_UP_RATE


def test_what_was_written_is_counted_from_what_was_not_cached() -> None:
    driver = Driver(ThunderPolicy(), a=100_000)
    driver.end(driver.arrive("p", 1_000), 1_000, 50, cached=200)
    assert driver.backend().written_tokens == 850
    driver.end(driver.arrive("p", 1_100), 1_100, 10)
    assert driver.backend().written_tokens == 850 + 100 + 10, "an engine that tells nothing is believed to have kept it"


def test_the_prefill_speed_is_the_engines_word_or_the_time_to_the_first_token() -> None:
    driver = Driver(ThunderPolicy(), a=100_000)
    driver.send(TurnEnded(driver.arrive("p", 40_000), Usage(40_000, 1, 0, prefill_s=2.0)))
    assert driver.backend().prefill_tokens_per_s == 20_000, "the first measurement is all that is known"
    driver.send(TurnEnded(driver.arrive("o", 10_000), Usage(10_000, 1, 0, prefill_s=0.25)))
    told = 20_000 + SPEED_UP_RATE * (40_000 - 20_000)
    assert driver.backend().prefill_tokens_per_s == pytest.approx(told)
    turn = driver.arrive("q", 10_000)
    driver.now = 10.0
    driver.send(FirstToken(turn))
    driver.now = 11.0
    driver.send(FirstToken(turn))
    driver.end(turn, 10_000, cached=0)
    assert driver.backend().prefill_tokens_per_s == pytest.approx(told + SPEED_DOWN_RATE * (1_000 - told))


def test_short_prefills_and_those_without_a_time_say_nothing_of_the_speed() -> None:
    driver = Driver(ThunderPolicy(), a=100_000)
    driver.send(TurnEnded(driver.arrive("p", 100), Usage(100, 1, 0, prefill_s=5.0)))
    driver.end(driver.arrive("q", 10_000), 10_000, cached=0)
    driver.send(TurnEnded(driver.arrive("r", 10_000), Usage(10_000, 1, 0, prefill_s=0.0)))
    assert driver.backend().prefill_tokens_per_s is None


def test_where_usage_tells_nothing_the_engines_events_say_what_was_cached() -> None:
    driver = Driver(ThunderPolicy(), a=100_000)
    driver.turn("p", 10_000)
    driver.send(KvResident("p", "a", 9_000))
    driver.send(KvResident("p", "a", 6_000))
    before = driver.backend().written_tokens
    driver.end(driver.arrive("p", 10_500), 10_500, 100)
    assert driver.backend().written_tokens == before + 4_500 + 100
    driver.end(driver.arrive("p", 11_000), 11_000, 100)
    assert driver.backend().written_tokens == before + 4_600 + 500 + 100, "what was told was of the turn before"


def test_a_miss_that_only_the_events_tell_corrects_the_capacity_when_its_program_comes_back() -> None:
    driver = Driver(ThunderPolicy(), a=100_000)
    driver.turn("p", 10_000)
    driver.send(KvResident("p", "a", 0))
    assert driver.backend().fit == 1.0
    driver.end(driver.arrive("p", 10_500), 10_500, 100)
    assert driver.backend().fit == pytest.approx(1.0 - FEEDBACK)


@pytest.mark.parametrize("told_first", [True, False])
def test_what_is_told_of_lost_kv_is_not_believed(told_first: bool) -> None:
    driver = Driver(ThunderPolicy(), a=100_000, b=50_000)
    driver.turn("p", 10_000)
    if told_first:
        driver.send(KvResident("p", "a", 10_000))
    driver.send(CacheLost("a"))
    driver.send(KvResident("p", "a", 10_000))
    driver.send(KvResident("p", "b", 10_000))
    assert driver.arrive("p", 10_500)
    assert driver.program("p").running[0].told_cached_tokens is None


def test_news_of_what_is_not_known_are_counted_and_ignored() -> None:
    driver = Driver(ThunderPolicy(), a=100_000)
    driver.turn("p", 10_000)
    driver.send(KvResident("q", "a", 1))
    driver.send(KvResident("p", "c", 1))
    assert driver.scheduler.counters.late_events == 2
    driver.send(KvResident("p", "a", -1))
    assert driver.scheduler.counters.bad_values == 1
    driver.send(KvResident("p", "a", None))
    assert driver.program("p").cached_tokens is None
