from __future__ import annotations

import math

import pytest

from thunderagent.core import Usage
from thunderagent.simulation.faults import NO_FAULTS, Death, Faults

USAGE = Usage(1_000, 100, 800, 0.5)


def test_without_faults_the_scheduler_is_told_the_truth() -> None:
    assert NO_FAULTS.capacity_tokens(32_000) == 32_000
    assert NO_FAULTS.tokens(7) == 7
    assert NO_FAULTS.usage(USAGE, 0.0) is USAGE


def test_wrong_factors_are_in_everything_that_is_told() -> None:
    faults = Faults(capacity_factor=0.8, token_factor=1.5)

    assert faults.capacity_tokens(1_000) == 800
    assert faults.tokens(10) == 15
    assert faults.usage(USAGE, 0.0) == Usage(1_500, 150, 1_200, 0.5)
    assert faults.usage(Usage(1_000, 100), 0.0) == Usage(1_500, 150)


def test_a_capacity_is_never_told_as_none() -> None:
    assert Faults(capacity_factor=1e-9).capacity_tokens(32_000) == 1


def test_no_usage_is_told_while_engines_are_silent() -> None:
    faults = Faults(silent_from_s=10.0, silent_until_s=20.0)

    assert [faults.usage(USAGE, at_s) is None for at_s in (9.9, 10.0, 19.9, 20.0)] == [False, True, True, False]


@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, math.nan])
@pytest.mark.parametrize("field", ["capacity_factor", "token_factor"])
def test_a_factor_that_cannot_be_is_refused(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{field} is {value}"):
        Faults(**{field: value})


@pytest.mark.parametrize("times", [(20.0, 10.0), (-1.0, 10.0), (math.nan, 10.0), (0.0, math.nan)])
def test_a_silence_that_ends_before_it_begins_is_refused(times: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="in this order"):
        Faults(silent_from_s=times[0], silent_until_s=times[1])


@pytest.mark.parametrize("wrong", [(-1, 0.0, 1.0), (0, -1.0, 1.0), (0, math.inf, 1.0), (0, 0.0, 0.0), (0, 0.0, math.nan)])
def test_a_death_that_cannot_be_is_refused(wrong: tuple[int, float, float]) -> None:
    with pytest.raises(ValueError, match="Death"):
        Death(*wrong)


def test_an_engine_that_is_down_cannot_die() -> None:
    Faults(deaths=(Death(0, 70.0, 5.0), Death(1, 15.0, 60.0), Death(0, 10.0, 50.0)))
    with pytest.raises(ValueError, match="engine 0 cannot die at 60 s"):
        Faults(deaths=(Death(0, 60.0, 5.0), Death(0, 10.0, 50.0)))
