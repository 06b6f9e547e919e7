"""What usage tells of a backend."""

from __future__ import annotations

import pytest

from tests.core.driver import Driver
from thunderagent.core import FirstToken, ThunderPolicy, TurnEnded, Usage
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
