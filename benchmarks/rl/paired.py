"""Two ways to do the same, by turns: what one costs more than the other."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable
from statistics import median

BLOCKS, TURNS = 40, 25
"""By turns, so that what a machine does beside hits both; medians of blocks, so that a hiccup hits neither."""


async def extra_cpu_ms(
    plain: Callable[[int], Awaitable[object]], ours: Callable[[int], Awaitable[object]], clock: Callable[[], float]
) -> tuple[float, float]:
    """CPU of one turn in our way beyond the plain one, and the plain one's, in milliseconds; medians over blocks of turns.

    Args:
        plain: does turn number so and so.
        ours: the same.
        clock: CPU seconds.
    """
    took: tuple[list[float], list[float]] = ([], [])
    number = 0
    for block in range(BLOCKS + 2):
        for times, way in zip(took, (plain, ours), strict=True):
            gc.collect()
            began_s = clock()
            for _ in range(TURNS):
                await way(number)
                number += 1
            if block >= 2:  # connections and caches are warm
                times.append((clock() - began_s) / TURNS * 1e3)
    return median(ours_ms - plain_ms for plain_ms, ours_ms in zip(*took, strict=True)), median(took[0])
