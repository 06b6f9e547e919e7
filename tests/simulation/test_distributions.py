from __future__ import annotations

from random import Random
from statistics import fmean, median

import pytest

from thunderagent.simulation.distributions import LogNormal


def test_a_distribution_has_the_median_percentile_and_mean_that_it_says() -> None:
    random = Random(1)
    values = sorted(LogNormal(1.5, 60.0).draw(random) for _ in range(20_000))

    assert median(values) == pytest.approx(1.5, rel=0.05)
    assert values[int(0.99 * len(values))] == pytest.approx(60.0, rel=0.15)
    assert fmean(values) == pytest.approx(LogNormal(1.5, 60.0).mean, rel=0.1)


def test_a_constant_is_a_distribution_too() -> None:
    assert LogNormal(3.0, 3.0).draw(Random(1)) == 3.0


def test_counts_are_at_least_one() -> None:
    assert LogNormal(0.1, 0.1).count(Random(1)) == 1


@pytest.mark.parametrize(("middle", "p99"), [(0.0, 1.0), (2.0, 1.0), (1.0, float("inf")), (float("nan"), 1.0)])
def test_impossible_distributions_are_refused(middle: float, p99: float) -> None:
    with pytest.raises(ValueError, match="must be positive, finite and in this order"):
        LogNormal(middle, p99)
