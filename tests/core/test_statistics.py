"""What was learned comes back, and nothing that is wrong."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.driver import Driver
from thunderagent.core import BackendJoined, StatisticsRecovered, ThunderPolicy
from thunderagent.core.statistics import MAX_AWAITED
from thunderagent.core.tool_times import MAX_TOOLS, ToolTimes
from thunderagent.core.turn_times import TurnTimes


def experienced() -> Driver:
    """A scheduler that has seen turns and tool calls."""
    driver = Driver(ThunderPolicy(), a=50_000)
    for number in range(20):
        driver.now += 1.0 + number % 3
        turn = driver.arrive("p", None, prompt_characters=3_000 + 300 * number)
        driver.now += 0.5 + number / 40
        driver.end(turn, 1_000 + 100 * number, 20 + number % 5, cached=100 * (number % 7), tool="bash")
    return driver


def plain(statistics: dict[str, Any]) -> dict[str, Any]:
    """As a store gives it back."""
    told: dict[str, Any] = json.loads(json.dumps(statistics))
    return told


def test_what_was_learned_and_counted_comes_back() -> None:
    old, new = experienced(), Driver(ThunderPolicy(), a=50_000)
    told = plain(old.scheduler.remember_statistics())
    for _ in range(2):
        new.send(StatisticsRecovered(told))
    assert plain(new.scheduler.remember_statistics()) == told
    assert new.backend().prefill_tokens_per_s == old.backend().prefill_tokens_per_s
    assert new.scheduler.counters.turns == 20


def test_what_is_known_of_a_backend_waits_until_it_is_here() -> None:
    old, new = experienced(), Driver(ThunderPolicy())
    told = plain(old.scheduler.remember_statistics())
    new.send(StatisticsRecovered(told))
    assert plain(new.scheduler.remember_statistics()) == told, "and outlives another restart"
    new.send(BackendJoined("a", 50_000))
    assert new.backend().prefill_tokens_per_s == old.backend().prefill_tokens_per_s
    assert new.backend().fit == old.backend().fit


def test_a_speed_and_a_fit_that_are_known_by_now_stay() -> None:
    driver = Driver(ThunderPolicy(), a=50_000)
    driver.backend().undisturbed_tokens_per_s, driver.backend().fit = 500.0, 0.9
    driver.send(StatisticsRecovered({"backends": {"a": {"tokens_per_s": 9_000.0, "fit": 1.2}}}))
    assert (driver.backend().prefill_tokens_per_s, driver.backend().fit) == (500.0, 0.9)


def test_of_backends_that_are_gone_only_so_many_are_remembered() -> None:
    driver = Driver(ThunderPolicy())
    driver.send(StatisticsRecovered({"backends": {str(number): {} for number in range(MAX_AWAITED + 5)}}))
    assert len(driver.scheduler.remember_statistics()["backends"]) == MAX_AWAITED


def test_a_tool_that_is_known_better_by_now_stays_as_it_is() -> None:
    times = ToolTimes()
    for _ in range(10):
        times.observe("bash", 1.0)
    assert times.recover({"bash": [[0, 1.0, 0.001]], "": [[0, 1.0, 0.001]], "make": [[20, 9.0, 81.0]]}) == 0
    assert times.mean_residual_s("bash", 0.0) == pytest.approx(1.0)
    assert times.mean_residual_s("make", 0.0) == pytest.approx(9.0)


def test_no_more_tools_come_back_than_are_kept_apart() -> None:
    times = ToolTimes()
    times.recover({str(number): [[1, 1.0, 0.01]] for number in range(MAX_TOOLS + 5)})
    assert len(times.remember()) == MAX_TOOLS + 1


ODD: list[Any] = [
    None,
    "x",
    -1,
    math.nan,
    math.inf,
    [],
    [1],
    [[1]],
    [["a", 1, 1]],
    [[-1, 1, 1]],
    [[99, 1, 1]],
    [[1, 1e9, 1]],
    {},
    True,
]


@pytest.mark.parametrize("odd", ODD)
def test_what_cannot_be_does_no_harm(odd: Any) -> None:
    driver = Driver(ThunderPolicy(), a=50_000)
    driver.send(
        StatisticsRecovered(
            {
                "counters": {"turns": odd, "__class__": odd, "unheard_of": 5},
                "characters_per_token": odd,
                "tools": {"bash": odd},
                "backends": {"a": {"tokens_per_s": odd, "fit": odd, "turn_times": odd}, "b": odd},
            }
        )
    )
    driver.turn("p", 100, tool="bash")
    for key in ("counters", "tools", "backends"):
        driver.send(StatisticsRecovered({key: odd}))
    assert 0 <= driver.scheduler.counters.turns <= 2
    assert driver.backend().fit in (1.0,)


def test_sums_of_turns_are_not_mixed_with_those_of_before() -> None:
    times, others = TurnTimes(), TurnTimes()
    times.observe(100, 10, 1.0)
    others.observe(900, 1, 9.0)
    assert times.recover(others.remember()) == 0
    assert times.remember()[1] == 10_000
    assert TurnTimes().recover([1, 2, 3]) == 1


@given(st.lists(st.tuples(st.sampled_from(["bash", "search"]), st.floats(0.0, 1e4)), max_size=50))
def test_tool_times_are_the_same_after_a_restart(calls: list[tuple[str, float]]) -> None:
    old, new = ToolTimes(), ToolTimes()
    for tool, duration_s in calls:
        old.observe(tool, duration_s)
    assert new.recover(json.loads(json.dumps(old.remember()))) == 0
    assert new.remember() == old.remember()
    for tool in ("bash", "search", "other"):
        assert new.mean_residual_s(tool, 3.0) == pytest.approx(old.mean_residual_s(tool, 3.0))
        assert new.outlasts_after_s(tool, 5.0, 0.0) == pytest.approx(old.outlasts_after_s(tool, 5.0, 0.0))
