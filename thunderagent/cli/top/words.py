"""Numbers as people read them in few columns, bars and sparklines."""

from __future__ import annotations

from collections.abc import Sequence

LEVELS, ASCII_LEVELS = "▁▂▃▄▅▆▇█", ".:-=+*#@"
BAR, ASCII_BAR = "█▒·", "#=."
"""Held by running turns, held by tool calls, free: apart without colour."""


def tokens(count: float) -> str:
    """``950``, ``12.4k``, ``131k``, ``1.3M``."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size * 0.9995:
            return f"{count / size:.1f}{unit}" if count < 99.95 * size else f"{count / size:.0f}{unit}"
    return f"{count:.0f}"


def duration(seconds: float | None) -> str:
    """``0.3s``, ``12s``, ``4m07s``, ``2h05m``, ``3d04h``; empty where it is not known."""
    if seconds is None:
        return ""
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    for size, unit, small, small_unit in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= size:
            return f"{whole // size}{unit}{whole % size // small:02d}{small_unit}"
    return f"{whole}s"


def percent(share: float | None) -> str:
    """``84%``; a dash where it is not known."""
    return "-" if share is None else f"{share:.0%}"


def clean(text: str, ascii_only: bool = False) -> str:
    """For a terminal: what clients name their programs must not move its cursor."""
    text = "".join(sign if sign.isprintable() else "?" for sign in text)
    return text.encode("ascii", "replace").decode() if ascii_only else text


def parts(columns: int, whole: float, *shares: float) -> list[int]:
    """How many of the columns each share of the whole gets; what is there is seen, and what is too much is cut."""
    taken = []
    left = columns
    for share in shares:
        wanted = 0 if share <= 0 or whole <= 0 else max(1, round(columns * share / whole))
        taken.append(min(wanted, left))
        left -= taken[-1]
    return [*taken, left]


def sparkline(values: Sequence[float | None], columns: int, *, highest: float | None = None, ascii_only: bool = False) -> str:
    """The newest at the right; a blank where there is no value. ``highest``: what fills a column, else the highest value."""
    levels = ASCII_LEVELS if ascii_only else LEVELS
    shown = values[-columns:]
    top = highest or max((value for value in shown if value is not None), default=0.0)
    signs = (" " if value is None else levels[_level(value, top, len(levels))] for value in shown)
    return "".join(signs).rjust(columns)


def _level(value: float, top: float, levels: int) -> int:
    return min(levels - 1, max(0, round(value / top * (levels - 1)))) if top > 0 else 0
