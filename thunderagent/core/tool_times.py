"""How long tool calls take, and how much longer one that has run for a while will: online, per tool name.

Durations fall into log-spaced bins with exact sums, so a mean over bins is exact and only the bin that is cut is interpolated.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

FASTEST_S = 2.0**-7
"""Upper edge of the first bin: 8 ms, below which a difference decides nothing."""
BINS_PER_OCTAVE = 2
"""Edges 1.41 apart: the cut bin is a small part of what is beyond it."""
BINS = 48
"""The last edge is at 36 hours."""
_UPPER_EDGES_S = tuple(FASTEST_S * 2.0 ** (index / BINS_PER_OCTAVE) for index in range(BINS))
MIN_CALLS = 8
"""Calls of a tool before its own statistics are used: fewer say less than those of all tools together."""
MAX_CALLS = 4_096.0
"""Calls after which all counts are halved, so that a change is followed."""
UNSEEN_SHARE = 1 / 64
"""Of all calls: so many may be new before it is computed again which calls outlast what; fewer change too little."""
MAX_TOOLS = 512
"""Names with statistics of their own; the calls of further ones count among all tools only."""


class ToolTimes:
    """Histograms of tool durations in seconds."""

    def __init__(self) -> None:
        self._all = _Histogram()
        self._tools: dict[str, _Histogram] = {}

    def observe(self, tool: str, duration_s: float) -> None:
        """One call is over."""
        index = _bin(duration_s)
        self._all.add(index, duration_s)
        histogram = self._tools.get(tool)
        if histogram is None and tool and len(self._tools) < MAX_TOOLS:
            histogram = self._tools[tool] = _Histogram()
        if histogram is not None:
            histogram.add(index, duration_s)

    def mean_residual_s(self, tool: str, elapsed_s: float) -> float:
        """How much longer a call that has run for ``elapsed_s`` is expected to take.

        Beyond all that was observed it is expected to take as long again (Lindy's law), so a client that died is noticed.
        """
        return self._of(tool).mean_residual_s(elapsed_s)

    def outlasts_after_s(self, tool: str, limit_s: float, elapsed_s: float) -> float:
        """The age beyond ``elapsed_s`` from which on a call is expected to take longer than ``limit_s``; infinite: never.

        Ages are edges of the bins, so it is late by at most the width of one; the last few calls may not be counted yet.
        """
        return self._of(tool).outlasts_after_s(limit_s, elapsed_s)

    def remember(self) -> dict[str, list[list[float]]]:
        """Bins with calls, as [index, calls, seconds], of each tool; those of all tools are under the empty name."""
        return {"": self._all.bins(), **{tool: histogram.bins() for tool, histogram in self._tools.items()}}

    def recover(self, told: Mapping[str, Any]) -> int:
        """Take over what was remembered of tools that are not known better by now. Returns how much of it cannot be."""
        wrong = 0
        for tool, bins in told.items():
            histogram = _Histogram()
            if not histogram.fill(bins):
                wrong += 1
            elif not tool:
                self._all = max(self._all, histogram, key=lambda one: one.calls)
            elif len(self._tools) < MAX_TOOLS or tool in self._tools:
                self._tools[tool] = max(self._tools.get(tool, histogram), histogram, key=lambda one: one.calls)
        return wrong

    def _of(self, tool: str) -> _Histogram:
        histogram = self._tools.get(tool)
        return self._all if histogram is None or histogram.calls < MIN_CALLS else histogram


class _Histogram:
    """Counts and sums per bin, oldest ones fading."""

    __slots__ = ("_counts", "_highest_s", "_longest", "_residuals_s", "_seen_calls", "_sums", "_total", "calls")

    def __init__(self) -> None:
        self.calls = 0.0
        self._total = 0.0
        self._longest = 0  # bin of the longest call
        self._counts = [0.0] * BINS
        self._sums = [0.0] * BINS
        self._residuals_s: Sequence[float] = _UPPER_EDGES_S  # expected at each edge
        self._highest_s: Sequence[float] = _UPPER_EDGES_S  # the highest of these up to each edge
        self._seen_calls = 0.0  # of which both are computed

    def add(self, index: int, duration_s: float) -> None:
        self._counts[index] += 1.0
        self._sums[index] += duration_s
        self._total += duration_s
        self._longest = max(self._longest, index)
        self.calls += 1.0
        if self.calls >= MAX_CALLS:
            self.calls /= 2
            self._seen_calls /= 2
            self._total /= 2
            self._counts = [count / 2 for count in self._counts]
            self._sums = [total / 2 for total in self._sums]

    def bins(self) -> list[list[float]]:
        return [[index, count, self._sums[index]] for index, count in enumerate(self._counts) if count]

    def fill(self, bins: Any) -> bool:
        """An empty one, with what another had; False: that cannot be."""
        try:
            for index, count, total_s in bins:
                if not (index in range(BINS) and 0 < count <= MAX_CALLS and 0 <= total_s < math.inf):
                    return False
                self._counts[int(index)], self._sums[int(index)] = float(count), float(total_s)
        except (TypeError, ValueError):
            return False
        self.calls, self._total = sum(self._counts), sum(self._sums)
        self._longest = max((index for index, count in enumerate(self._counts) if count), default=0)
        return self.calls <= MAX_CALLS

    def mean_residual_s(self, elapsed_s: float) -> float:
        if elapsed_s <= 0.0 and self.calls:
            return self._total / self.calls
        index = _bin(elapsed_s)
        count = sum(self._counts[index + 1 :])
        total = sum(self._sums[index + 1 :])
        inside = self._counts[index]
        if inside and elapsed_s < (upper := _UPPER_EDGES_S[index]):
            lower = _UPPER_EDGES_S[index - 1] if index else 0.0
            beyond = inside * (upper - elapsed_s) / (upper - lower)  # taken to be spread evenly over the bin
            count += beyond
            total += beyond * (elapsed_s + upper) / 2 if elapsed_s > lower else self._sums[index]
        if count <= 0.0:
            return elapsed_s
        return max(0.0, total / count - elapsed_s)

    def outlasts_after_s(self, limit_s: float, elapsed_s: float) -> float:
        if self.calls - self._seen_calls > UNSEEN_SHARE * self.calls:
            self._expect()
        if elapsed_s < FASTEST_S:
            index = bisect_right(self._highest_s, limit_s)
            return _UPPER_EDGES_S[index] if index < BINS else math.inf
        later = range(bisect_right(_UPPER_EDGES_S, elapsed_s), BINS)
        return next((_UPPER_EDGES_S[index] for index in later if self._residuals_s[index] > limit_s), math.inf)

    def _expect(self) -> None:
        residuals_s = list(_UPPER_EDGES_S)
        count, total = 0.0, 0.0
        for index in range(self._longest, 0, -1):  # from the longest calls down, those beyond each edge added up
            count += self._counts[index]
            total += self._sums[index]
            edge_s = _UPPER_EDGES_S[index - 1]
            residuals_s[index - 1] = total / count - edge_s if count else edge_s
        self._residuals_s, self._highest_s = residuals_s, list(accumulate(residuals_s, max))
        self._seen_calls = self.calls


def _bin(duration_s: float) -> int:
    """The first bin whose upper edge is not below; the last one has no end."""
    return bisect_left(_UPPER_EDGES_S, duration_s, 0, BINS - 1)
