"""How long turns wait: the median, the 99th percentile and the longest of each policy, on a scale that shows them all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from thunderagent.study.report.bars import ROW_IN, name_rows, names_in
from thunderagent.study.report.canvas import Panel, compose
from thunderagent.study.report.comparison import Comparison, Spread
from thunderagent.study.report.numbers import unit_text
from thunderagent.study.report.palette import MUTED, PAPER, Look

MARKS: dict[str, tuple[str, dict[str, Any]]] = {
    "wait_p50_s": ("median", {"marker": "o", "ms": 6, "mfc": PAPER}),
    "wait_p99_s": ("99th percentile", {"marker": "o", "ms": 6.5}),
    "wait_max_s": ("longest", {"marker": "|", "ms": 11}),
}
"""What the three are called, and how they are drawn."""
LINEAR_BELOW_S = 0.1
"""Waits of nothing at all are common and have no logarithm, so the scale is linear from 0 to here."""


def draw_waits(title: str, found: Sequence[Comparison], looks: dict[str, Look]) -> Figure | None:
    """None: nobody has waits."""
    panels = []
    for one in found:
        rows = {policy: waits for policy, row in one.rows.items() if (waits := {m: row[m] for m in MARKS if m in row})}
        if rows:
            draw = partial(_draw, rows=rows, looks=looks)
            panels.append(Panel(one.title, draw, height=ROW_IN * len(rows), left=names_in(list(rows)), right=0.45))
    keys = [Line2D([], [], color=MUTED, mew=1.6, ls="none", label=name, **mark) for name, mark in MARKS.values()]
    return compose(title, panels, min(2, len(panels)), keys) if panels else None


def _draw(axes: Any, rows: dict[str, dict[str, Spread]], looks: dict[str, Look]) -> None:
    name_rows(axes, list(rows), looks)
    for index, (policy, waits) in enumerate(rows.items()):
        look, values = looks[policy], [waits[metric].median for metric in waits]
        axes.plot(values, [index] * len(values), color=look.colour, lw=look.width, label=policy)
        for metric, spread in waits.items():
            axes.plot(spread.median, index, color=look.colour, mew=1.6, ls="none", zorder=6, **MARKS[metric][1])
        longest = max(waits, key=lambda metric: waits[metric].median)
        axes.annotate(
            unit_text(longest, waits[longest].median),
            (waits[longest].median, index),
            xytext=(6, 0),
            textcoords="offset points",
            va="center_baseline",
            weight="bold" if look.bold else "normal",
        )
    high = max(spread.median for waits in rows.values() for spread in waits.values())
    ticks = [0.0, *(10.0**power for power in range(-1, 7) if 10.0**power <= max(high * 1.5, 1.0))]
    axes.set_xscale("symlog", linthresh=LINEAR_BELOW_S, linscale=0.5)
    axes.set_xlim(-LINEAR_BELOW_S / 4, max(high * 2, 1.0))
    axes.set_xticks(ticks, [f"{tick:,g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("wait, s (log scale)")
