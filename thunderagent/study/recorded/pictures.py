"""Pictures of one recorded run, or of two beside each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from thunderagent.study.recorded.metrics import tells_queue
from thunderagent.study.recorded.over_time import OverTime
from thunderagent.study.recorded.run import Run
from thunderagent.study.recorded.states import STATES, spans_of, states_of
from thunderagent.study.recorded.steps import Floats
from thunderagent.study.report.canvas import CHARACTER, Panel, compose, swatch
from thunderagent.study.report.numbers import number_text, shorten, tick_text
from thunderagent.study.report.pictures import Picture
from thunderagent.study.report.time_axis import scale_time

COLOURS = ("#d55e00", "#1f83c9")
"""Of the run and the one that it is compared with: told apart by colour-blind people, on white and on black."""
WIDTHS = (2.0, 1.5)
LEFT_IN, RIGHT_IN = 0.75, 0.25
TIME = "time since the run began"
LINEAR_BELOW_S = 0.01
"""Waits of nothing at all are common and have no logarithm, so the scale is linear from 0 to here."""
MAX_ENGINES = 24
Drawn = Sequence[tuple[Run, OverTime]]


def pictures(drawn: Drawn) -> list[Picture]:
    """Those that there are numbers for."""
    found = [_rates(drawn), _doing(drawn), _waits(drawn), _engines(drawn)]
    return [picture for picture in found if picture is not None]


def _keys(drawn: Drawn) -> list[Any]:
    if len(drawn) < 2:
        return []
    return [Line2D([], [], color=COLOURS[i], lw=WIDTHS[i], label=shorten(run.name, 40)) for i, (run, _) in enumerate(drawn)]


def _length(drawn: Drawn) -> float:
    return max(float(series.edges[-1]) for _, series in drawn)


def _picture(name: str, title: str, caption: str, figure: Figure, drawn: Drawn) -> Picture:
    who = " and ".join(run.name for run, _ in drawn)
    return Picture(name, title, caption, f"{title}: {who}. The numbers are in the tables.", figure)


def _rates(drawn: Drawn) -> Picture:
    lines: tuple[tuple[str, Callable[[OverTime], Floats], str], ...] = (
        ("Steps per minute", lambda series: series.steps_per_min, "number"),
        ("KV hit rate", lambda series: series.hit_rate, "share"),
        ("Tokens computed again, per second", lambda series: series.reprefilled_per_s, "number"),
    )
    told = [line for line in lines if any(np.isfinite(line[1](series)).any() for _, series in drawn)]
    panels = [
        Panel(
            title,
            partial(_draw_lines, drawn=drawn, values=values, unit=unit, labelled=index == len(told) - 1),
            1.55,
            LEFT_IN,
            RIGHT_IN,
            below=0.55 if index == len(told) - 1 else 0.12,
        )
        for index, (title, values, unit) in enumerate(told)
    ]
    title = "Throughput and KV cache over time"
    caption = "Each point is a part of the run, at the time when its steps were completed."
    return _picture("throughput", title, caption, compose(title, panels, 1, _keys(drawn)), drawn)


def _draw_lines(axes: Any, drawn: Drawn, values: Callable[[OverTime], Floats], unit: str, labelled: bool) -> None:
    for index, (run, series) in reversed(list(enumerate(drawn))):
        known = values(series)
        axes.plot(series.middles, known, color=COLOURS[index], lw=WIDTHS[index], label=run.name)
        if len(drawn) == 1:
            axes.fill_between(series.middles, 0, np.nan_to_num(known), color=COLOURS[index], alpha=0.12, lw=0)
    _scale_up(axes, [values(series) for _, series in drawn], share=unit == "share")
    scale_time(axes, 0.0, _length(drawn), labelled=labelled, what=TIME)


def _scale_up(axes: Any, values: Sequence[Floats], *, share: bool) -> None:
    high = max((float(np.nanmax(some)) for some in values if np.isfinite(some).any()), default=1.0)
    axes.set_ylim(0, 1.04 if share else (high or 1.0) * 1.06)
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%" if share else tick_text(value))


def _doing(drawn: Drawn) -> Picture:
    length = _length(drawn)
    high = max(float(sum(series.doing.values(), np.zeros(1)).max()) for _, series in drawn)
    panels = [
        Panel(
            run.name if len(drawn) > 1 else "",
            partial(_draw_doing, series=series, high=high, length=length, labelled=index == len(drawn) - 1),
            2.0 if len(drawn) > 1 else 2.6,
            LEFT_IN,
            RIGHT_IN,
            below=0.55 if index == len(drawn) - 1 else 0.12,
        )
        for index, (run, series) in enumerate(drawn)
    ]
    seen = states_of([spans_of(run.steps) for run, _ in drawn])
    title = "What programs do"
    keys = [swatch(seen[name].colour, seen[name].label) for name in _STACK if name in seen]
    caption = "Programs in each state at once, on average: reasoning in an engine below, then those that wait, then tools."
    return _picture("doing", title, caption, compose(title, panels, 1, keys), drawn)


_STACK = ("decode", "prefill", "queued", "paused", "tool")
"""From below: what engines do stands on the axis, where it can be read off."""


def _draw_doing(axes: Any, series: OverTime, high: float, length: float, labelled: bool) -> None:
    layers = [np.repeat(series.doing[name], 2) for name in _STACK]
    across = np.repeat(series.edges, 2)[1:-1]  # steps: each part has one value
    axes.stackplot(across, layers, colors=[STATES[name].colour for name in _STACK], lw=0)
    axes.set_ylim(0, (high or 1.0) * 1.05)
    axes.set_ylabel("programs")
    axes.yaxis.set_major_formatter(lambda value, _: tick_text(value))
    scale_time(axes, 0.0, length, labelled=labelled, what=TIME)


def _waits(drawn: Drawn) -> Picture:
    panels = [
        Panel("How many turns wait no longer", partial(_draw_distribution, drawn=drawn), 2.5, 0.6, 0.25),
        Panel("99th percentile over time, s", partial(_draw_p99, drawn=drawn), 2.5, 0.6, 0.25),
    ]
    title = "Waits of turns"
    caption = (
        "From a turn's arrival to its start in the engine. On the left, the higher line is better; on the right, the lower one."
    )
    if not all(tells_queue(run) for run, _ in drawn):
        caption = (
            "Held back by the scheduler; the engine does not tell how long turns wait in its own queue, which is not in here."
        )
    return _picture("waits", title, caption, compose(title, panels, 2, _keys(drawn)), drawn)


def _draw_distribution(axes: Any, drawn: Drawn) -> None:
    high = LINEAR_BELOW_S * 10
    for index, (run, _) in reversed(list(enumerate(drawn))):
        waits = np.sort(run.steps.wait_s)
        shares = np.linspace(0, 1, 500)
        at = waits[np.minimum((shares * len(waits)).astype(np.int64), len(waits) - 1)]
        high = max(high, float(waits[-1]))
        axes.step(at, shares, where="post", color=COLOURS[index], lw=WIDTHS[index], label=run.name)
    ticks = [0.0, *(10.0**power for power in range(-2, 8) if 10.0**power <= high * 1.5)]
    axes.set_xscale("symlog", linthresh=LINEAR_BELOW_S, linscale=0.4)
    axes.set_xlim(-LINEAR_BELOW_S / 10, high * 1.3)
    axes.set_xticks(ticks, [tick_text(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_ylim(0, 1.03)
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%")
    axes.set_xlabel("wait, s (log scale)")


def _draw_p99(axes: Any, drawn: Drawn) -> None:
    for index, (run, series) in reversed(list(enumerate(drawn))):
        axes.plot(series.middles, series.wait_p99_s, color=COLOURS[index], lw=WIDTHS[index], label=run.name)
    _scale_up(axes, [series.wait_p99_s for _, series in drawn], share=False)
    scale_time(axes, 0.0, _length(drawn), what=TIME)


def _engines(drawn: Drawn) -> Picture | None:
    """None: there is one engine, of which the other pictures tell all."""
    if all(len(series.engines) < 2 for _, series in drawn):
        return None
    length = _length(drawn)
    high = max(float(load.max()) for _, series in drawn for load in series.engines.values())
    labels = [shorten(name, 30) for _, series in drawn for name in series.engines]
    panels = [
        Panel(
            run.name if len(drawn) > 1 else "",
            partial(_draw_engines, series=series, high=high, length=length),
            0.26 * min(len(series.engines), MAX_ENGINES),
            max(map(len, labels)) * CHARACTER + 0.2,
            0.75,
        )
        for run, series in drawn
    ]
    title = "Turns in each engine"
    caption = f"The stronger the colour, the more at once; the number is the most of them. The scale ends at {number_text(high)}."
    return _picture("engines", title, caption, compose(title, panels, 1), drawn)


def _draw_engines(axes: Any, series: OverTime, high: float, length: float) -> None:
    shown = sorted(series.engines, key=lambda name: -float(series.engines[name].sum()))[:MAX_ENGINES]
    colours = LinearSegmentedColormap.from_list("load", [(*_rgb(STATES["decode"].colour), alpha) for alpha in (0.04, 1.0)])
    rows = np.stack([series.engines[name] for name in shown])
    mesh = axes.pcolormesh(series.edges, np.arange(len(shown) + 1), rows, cmap=colours, vmin=0, vmax=high or 1.0, rasterized=True)
    mesh.set_edgecolor("none")
    for row, name in enumerate(shown):
        most = number_text(float(series.engines[name].max()))
        axes.annotate(most, (1.01, row + 0.5), xycoords=("axes fraction", "data"), va="center")
    axes.set_yticks(np.arange(len(shown)) + 0.5, [shorten(name, 30) for name in shown], size=8)
    axes.set_ylim(len(shown), 0)
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    scale_time(axes, 0.0, length, what=TIME)


def _rgb(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
