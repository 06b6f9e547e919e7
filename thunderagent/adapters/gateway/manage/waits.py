"""A histogram of how long turns were held back."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from thunderagent.runtime import StepProfile

BOUNDS_S = (0.001, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0)
"""From a turn that went on at once to the longest wait that is allowed."""


class Waits(Collector):
    """Of all turns that were admitted and have ended."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS_S) + 1)
        self._sum_s = 0.0

    def put(self, step: StepProfile) -> None:
        """O(1), without a lock: everything runs on one loop."""
        self._counts[bisect_left(BOUNDS_S, step.pause_s)] += 1
        self._sum_s += step.pause_s

    def collect(self) -> Iterator[Metric]:
        bounds = [*(str(bound) for bound in BOUNDS_S), "+Inf"]
        buckets = list(zip(bounds, map(float, accumulate(self._counts)), strict=True))
        documentation = "How long turns were held back by the scheduler before they were sent to an engine."
        yield HistogramMetricFamily("thunderagent_wait_seconds", documentation, buckets=buckets, sum_value=self._sum_s)
