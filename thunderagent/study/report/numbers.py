"""Numbers and names as people read them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from thunderagent.study.document import METRICS

MISSING = "\N{EN DASH}"
"""Shown for what there is no number of."""


def value_text(metric: str, value: float) -> str:
    """A value of a metric with as many digits as tell something; shares as per cent."""
    unit = METRICS[metric].unit
    if unit == "share":
        return f"{100 * value:.1f}%"
    if unit == "x":
        return f"{value:.2f}x" if abs(value) < 100 else f"{number_text(value)}x"
    return number_text(value)


def unit_of(metric: str) -> str:
    """What is to be said beside a value: nothing where the value or the label says it."""
    unit, label = METRICS[metric].unit, METRICS[metric].label
    return "" if unit in ("share", "x") or unit in label.split() else unit


def unit_text(metric: str, value: float) -> str:
    """A value that stands alone, with its unit."""
    return f"{value_text(metric, value)} {unit_of(metric)}".strip()


def spread_text(metric: str, low: float, high: float) -> str:
    """From the lowest to the highest, the unit once; empty if they read the same."""
    first, last = value_text(metric, low), value_text(metric, high)
    return "" if first == last else f"{first.rstrip('%x')}\N{EN DASH}{last}"


def number_text(value: float) -> str:
    """Three digits that count, thousands as k and millions as M."""
    if abs(value) >= 1e13:
        return f"{value:.1e}"
    if abs(value) < 9_999.5:
        return f"{value:,.0f}" if abs(value) >= 999.5 else _three_digits(value)
    size, suffix = next((size, suffix) for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")) if abs(value) >= 0.9995 * size)
    return f"{_three_digits(value / size)}{suffix}"


def tick_text(value: float) -> str:
    """A number on an axis: the same without zeros at the end, as ticks are round."""
    return re.sub(r"\.0+(?=\D?$)|(?<=\.\d)0(?=\D?$)", "", number_text(value))


def _three_digits(value: float) -> str:
    if float(value).is_integer():
        return f"{value:.0f}"
    return f"{value:.{0 if abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else 2}f}"


def finite(values: Iterable[float]) -> list[float]:
    """Without NaN and infinity."""
    return [value for value in values if math.isfinite(value)]


def load_text(load: float) -> str:
    """How a load is called; 0 is none (``Cell.load``)."""
    return f"load {load:g}" if load else ""


def shorten(text: str, limit: int) -> str:
    """One printable line of at most ``limit`` characters. Names end in what tells them apart, so the middle goes."""
    line = "".join(character if character.isprintable() else "?" for character in text)
    if len(line) <= limit:
        return line
    tail = (limit - 1) // 3
    return f"{line[: limit - 1 - tail]}…{line[len(line) - tail :]}"


def slug(text: str) -> str:
    """A part of a file's name that is safe everywhere."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-") or "unnamed"
