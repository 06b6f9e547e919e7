"""The axis of time, in the unit that suits its length."""

from __future__ import annotations

from typing import Any

from matplotlib.ticker import MultipleLocator

UNITS = ((1.0, "s", 300.0), (60.0, "min", 3 * 3600.0), (3600.0, "h", float("inf")))
"""Seconds of a unit, its name, and until when it is used."""
STEPS = (1, 2, 5, 10, 15, 20, 30, 60, 120)
"""Between ticks, of a unit."""


def scale_time(axes: Any, begin_s: float, end_s: float, *, labelled: bool = True, what: str = "simulated time") -> None:
    """Set limits, ticks and label; without labels it is the axis of the panel below."""
    length_s = max(end_s - begin_s, 1.0)
    size, name, _ = next(unit for unit in UNITS if length_s <= unit[2])
    step = next((step for step in STEPS if length_s / size / step <= 12), length_s / size / 10)
    axes.set_xlim(begin_s, begin_s + length_s)
    axes.xaxis.set_major_locator(MultipleLocator(step * size))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value / size:g}")
    if labelled:
        axes.set_xlabel(f"{what}, {name}")
    else:
        axes.tick_params(labelbottom=False)
