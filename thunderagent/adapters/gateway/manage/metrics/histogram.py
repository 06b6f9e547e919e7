"""A histogram of plain numbers."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate

from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

from thunderagent.adapters.gateway.manage.metrics.family import Family


class Histogram:
    """prometheus_client's own takes a lock for each value; here everything runs on one loop."""

    def __init__(self, family: Family, bounds: tuple[float, ...]) -> None:
        """``bounds``: of its buckets, the lowest first; what is greater than all of them has one of its own."""
        self._family, self._bounds = family, bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def put(self, value: float) -> None:
        """One more. O(log bounds)."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def metric(self) -> Metric:
        """As it is now."""
        bounds = [*map(floatToGoString, self._bounds), "+Inf"]
        buckets = list(zip(bounds, map(float, accumulate(self._counts)), strict=True))
        return HistogramMetricFamily(self._family.name, self._family.text, buckets=buckets, sum_value=self._sum)
