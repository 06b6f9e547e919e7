"""One bar per policy: a metric at one load or of a batch."""

from __future__ import annotations

from functools import partial
from typing import Any

from thunderagent.study.document import METRICS
from thunderagent.study.report.canvas import Panel, fit
from thunderagent.study.report.comparison import Comparison, Spread
from thunderagent.study.report.numbers import tick_text, value_text
from thunderagent.study.report.palette import INK, PAPER, Look
from thunderagent.study.report.words import BOUND, policy_label

ROW_IN = 0.3


def bar_panel(metric: str, comparison: Comparison, looks: dict[str, Look], mark: str = "") -> Panel:
    """Bars of the median with the spread over seeds as a thin line; ``mark`` is a second metric that is marked on them."""
    rows = {policy: row for policy, row in comparison.rows.items() if metric in row}
    return Panel(
        comparison.title,
        partial(_draw, metric=metric, rows=rows, looks=looks, mark=mark),
        height=ROW_IN * len(rows),
        left=names_in(list(rows)),
        right=0.3,
    )


def names_in(policies: list[str]) -> float:
    """Inches that the names take at the left of an axis."""
    return max(fit(policy_label(policy), 22)[1] for policy in policies) + 0.22


def name_rows(axes: Any, policies: list[str], looks: dict[str, Look]) -> None:
    """Rows from top to bottom with the policies' names."""
    axes.set_yticks(range(len(policies)), [fit(policy_label(policy), 22)[0] for policy in policies])
    axes.set_ylim(len(policies) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    for policy, label in zip(policies, axes.get_yticklabels(), strict=True):
        label.set_weight("bold" if looks[policy].bold else "normal")


def _draw(axes: Any, metric: str, rows: dict[str, dict[str, Spread]], looks: dict[str, Look], mark: str) -> None:
    unit = METRICS[metric].unit
    high = max(row[metric].high for row in rows.values()) or 1.0
    name_rows(axes, list(rows), looks)
    for index, (policy, row) in enumerate(rows.items()):
        value, colour = row[metric], looks[policy].colour
        if policy == BOUND:
            axes.barh(
                index, value.median, height=0.62, facecolor="none", edgecolor=colour, ls=(0, (4, 2.5)), lw=1.2, label=policy
            )
            axes.axvline(value.median, color=colour, ls=(0, (4, 2.5)), lw=1.0, zorder=2)
        else:
            axes.barh(index, value.median, height=0.62, color=colour, label=policy)
        if value.high > value.low:
            axes.plot([value.low, value.high], [index, index], color=INK, lw=1.1, solid_capstyle="butt")
        if mark in row:
            at = row[mark].median
            axes.plot(at, index, marker="D", ms=5.5, color=PAPER, mec=INK, mew=0.9, ls="none", label=f"{policy}: {mark}")
        axes.annotate(
            value_text(metric, value.median),
            (value.high, index),
            xytext=(4, 0),
            textcoords="offset points",
            va="center_baseline",
            weight="bold" if looks[policy].bold else "normal",
        )
    axes.set_xlim(0, high * 1.16)
    axes.locator_params(axis="x", nbins=5)
    axes.xaxis.set_major_formatter(lambda at, _: f"{100 * at:.0f}%" if unit == "share" else tick_text(at))
    axes.set_xlabel(METRICS[metric].label if unit == "share" else f"{METRICS[metric].label}, {unit}")
