"""How much longer a tool call takes that has run for a while, from the list of all calls so far."""

from __future__ import annotations

import math
from collections.abc import Sequence

ENOUGH_CALLS = 8
"""A tool with fewer is judged by the calls of all tools."""
EDGES_S = [2.0**-7 * 2.0 ** (i / 2) for i in range(48)]
"""Upper edges of the bins: 8 ms, then two per octave."""


def bin_of(seconds: float) -> int:
    """The first bin whose upper edge is not below; the last one has no end."""
    return next((i for i, edge_s in enumerate(EDGES_S) if seconds <= edge_s), len(EDGES_S) - 1)


def outlasts_after_s(calls: Sequence[tuple[str, float]], tool: str, limit_s: float, elapsed_s: float) -> float:
    """The first edge of a bin beyond ``elapsed_s`` at which the rest is expected to take longer than the limit.

    The scheduler may leave out the last 1/64 of the calls; there are fewer than 64 in these tests.
    """
    later = (edge_s for edge_s in EDGES_S if edge_s > elapsed_s)
    return next((edge_s for edge_s in later if mean_residual_s(calls, tool, edge_s) > limit_s), math.inf)


def mean_residual_s(calls: Sequence[tuple[str, float]], tool: str, elapsed_s: float) -> float:
    """The mean of what is beyond, the bin that is cut taken as evenly filled; beyond everything: as long again.

    Durations are multiples of 1/8 s in these tests, so sums of them are exact in any order.
    """
    durations = [seconds for name, seconds in calls if tool and name == tool]
    if len(durations) < ENOUGH_CALLS:
        durations = [seconds for _, seconds in calls]
    cut = bin_of(elapsed_s)
    beyond = [seconds for seconds in durations if bin_of(seconds) > cut]
    inside = [seconds for seconds in durations if bin_of(seconds) == cut]
    count, total = float(len(beyond)), float(sum(beyond))
    upper_s, lower_s = EDGES_S[cut], EDGES_S[cut - 1] if cut else 0.0
    if elapsed_s == 0.0:
        count, total = count + len(inside), total + sum(inside)
    elif inside and elapsed_s < upper_s:
        part = len(inside) * (upper_s - elapsed_s) / (upper_s - lower_s)
        count, total = count + part, total + part * (elapsed_s + upper_s) / 2
    return max(0.0, total / count - elapsed_s) if count else elapsed_s
