"""A metric against load: one panel per workload, one line per policy with its spread over seeds; bars where there is one load."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import Any

from matplotlib.figure import Figure

from thunderagent.study.document import METRICS
from thunderagent.study.report.bars import bar_panel
from thunderagent.study.report.canvas import Panel, compose, fit
from thunderagent.study.report.comparison import Comparison, Spread
from thunderagent.study.report.numbers import tick_text, value_text
from thunderagent.study.report.palette import INK, Look
from thunderagent.study.report.words import policy_label

LABEL_IN = 0.17
"""Height of a label at the end of a line."""
MAX_BANDS = 8
"""More would hide the lines; then only the policy that stands out has one."""
LEADER_IN = 0.28
"""From the end of the lines to their labels."""


def draw_against_load(title: str, metric: str, found: Sequence[Comparison], looks: dict[str, Look]) -> Figure | None:
    """None: nobody has the metric."""
    panels = []
    for _, group in groupby(found, key=lambda one: one.workload):
        known = [one for one in group if any(metric in row for row in one.rows.values())]
        loaded = [one for one in known if one.load > 0]
        if len(loaded) > 1:
            panels.append(_panel(metric, loaded, looks))
            known = [one for one in known if one.load <= 0]
        panels += [bar_panel(metric, one, looks) for one in known]
    return compose(title, panels, min(2, len(panels))) if panels else None


def _panel(metric: str, found: list[Comparison], looks: dict[str, Look]) -> Panel:
    policies = dict.fromkeys(policy for one in found for policy, row in one.rows.items() if metric in row)
    series = {
        policy: [(one.load, one.rows[policy][metric]) for one in found if metric in one.rows.get(policy, {})]
        for policy in policies
    }
    labels = {policy: _label(policy, metric, points[-1][1]) for policy, points in series.items()}
    return Panel(
        found[0].workload,
        partial(_draw, metric=metric, series=series, looks=looks, labels={p: text for p, (text, _) in labels.items()}),
        height=max(2.3, LABEL_IN * len(series)),
        right=max(width for _, width in labels.values()) + LEADER_IN + 0.05,
    )


def _label(policy: str, metric: str, last: Spread) -> tuple[str, float]:
    name, width = fit(policy_label(policy), 20)
    value = value_text(metric, last.median)
    return f"{name}  {value}", width + fit(f"  {value}", 20)[1]


def _draw(
    axes: Any, metric: str, series: dict[str, list[tuple[float, Spread]]], looks: dict[str, Look], labels: dict[str, str]
) -> None:
    loads = sorted({load for points in series.values() for load, _ in points})
    for policy, points in series.items():
        look, x, y = looks[policy], [load for load, _ in points], [spread.median for _, spread in points]
        marker = None if look.dash != "-" else "o"
        axes.plot(
            x,
            y,
            color=look.colour,
            ls=look.dash,
            lw=look.width,
            marker=marker,
            ms=2 + look.width,
            zorder=look.order,
            label=policy,
        )
        if any(spread.high > spread.low for _, spread in points) and (len(series) <= MAX_BANDS or look.bold):
            low, high = [s.low for _, s in points], [s.high for _, s in points]
            axes.fill_between(x, low, high, color=look.colour, alpha=0.16, lw=0, zorder=1)
    _scale(axes, metric, loads, max(spread.high for points in series.values() for _, spread in points))
    ends = {policy: (points[-1][0], points[-1][1].median) for policy, points in series.items()}
    _label_ends(axes, ends, labels, looks)


def _scale(axes: Any, metric: str, loads: list[float], high: float) -> None:
    axes.set_xscale("log", base=2)
    axes.minorticks_off()
    margin = (loads[-1] / loads[0]) ** 0.04
    axes.set_xlim(loads[0] / margin, loads[-1] * margin)
    ticks = loads if len(loads) <= 8 else loads[:: len(loads) // 5]
    axes.set_xticks(ticks, [f"{load:g}" for load in ticks])
    axes.set_xlabel("load: contexts over KV capacity")
    share = METRICS[metric].unit == "share"
    axes.set_ylim(0, (max(1.0, high) if share else high or 1.0) * 1.04)
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%" if share else tick_text(value))
    axes.grid(visible=False, axis="x")
    if not share:
        axes.set_ylabel(METRICS[metric].unit)


def _label_ends(axes: Any, ends: dict[str, tuple[float, float]], labels: dict[str, str], looks: dict[str, Look]) -> None:
    """At the right, as near to the ends of the lines as they can be without lying on each other."""
    height = axes.figure.get_figheight() * axes.get_position().height
    order = sorted(ends, key=lambda policy: ends[policy][1])
    wanted = [height * ends[policy][1] / axes.get_ylim()[1] for policy in order]
    for policy, at in zip(order, apart(wanted, LABEL_IN, height), strict=True):
        look = looks[policy]
        axes.annotate(
            labels[policy],
            ends[policy],
            xytext=(1 + LEADER_IN / (axes.figure.get_figwidth() * axes.get_position().width), at / height),
            textcoords="axes fraction",
            va="center_baseline",
            color=INK,
            weight="bold" if look.bold else "normal",
            arrowprops={"arrowstyle": "-", "color": look.colour, "lw": 0.9, "shrinkA": 2, "shrinkB": 3, "relpos": (0, 0.62)},
        )


def apart(wanted: Sequence[float], gap: float, top: float) -> list[float]:
    """Places near the wanted ones (ascending), at least ``gap`` apart and, if there is room, between 0 and ``top``."""
    places = list(wanted)
    for index in range(1, len(places)):
        places[index] = max(places[index], places[index - 1] + gap)
    limit = top
    for index in reversed(range(len(places))):
        places[index] = min(places[index], limit)
        limit = places[index] - gap
    return places
