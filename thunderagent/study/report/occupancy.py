"""What fills the KV cache over time, and how many programs wait meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from thunderagent.simulation.sampler import Samples
from thunderagent.study.document import Timeline
from thunderagent.study.report.canvas import Panel, compose, swatch
from thunderagent.study.report.numbers import tick_text
from thunderagent.study.report.palette import GRID, INK, PAUSED, QUEUED, REASONING, SHARED, TOOL
from thunderagent.study.report.time_axis import scale_time

AREAS = (
    ("reasoning_tokens", REASONING, "reasoning"),
    ("held_tokens", TOOL, "held for tools"),
    ("shared_tokens", SHARED, "shared"),
)
MAX_ENGINES = 4
"""More are drawn as their sum."""
LEFT_IN, RIGHT_IN = 0.75, 0.25


def draw_occupancy(title: str, timeline: Timeline) -> Figure | None:
    """None: there are no samples."""
    engines = [equal for samples in timeline.engines if (equal := _equally_long(samples)).time_s]
    if not engines:
        return None
    shown = engines if len(engines) <= MAX_ENGINES else [_sum(engines)]
    span = (min(samples.time_s[0] for samples in engines), max(samples.time_s[-1] for samples in engines))
    height = 2.5 if len(shown) == 1 else 1.5
    panels = [
        Panel(
            samples.engine if len(engines) > 1 else "",
            partial(_draw_areas, samples=samples, span=span),
            height, LEFT_IN, RIGHT_IN, below=0.15,
        )
        for samples in shown
    ]  # fmt: skip
    waiting = partial(_draw_waiting, engines=engines, paused=timeline.paused_programs, span=span)
    panels.append(Panel("", waiting, 0.95, LEFT_IN, RIGHT_IN))
    filled = [area for area in AREAS if any(any(getattr(samples, area[0])) for samples in engines)]
    keys = [swatch(colour, meaning) for _, colour, meaning in filled] + [
        swatch(GRID, "free"),
        Line2D([], [], color=INK, lw=1.2, label="capacity"),
        Line2D([], [], color=PAUSED, lw=2, label="programs held back"),
        Line2D([], [], color=QUEUED, lw=2, label="requests in the engine's queue"),
    ]
    return compose(title, panels, 1, keys)


def _draw_areas(axes: Any, samples: Samples, span: tuple[float, float]) -> None:
    axes.axhspan(0, samples.capacity_tokens, color=GRID, lw=0, zorder=0.5)
    base = [0.0] * len(samples.time_s)
    for name, colour, meaning in AREAS:
        if not any(getattr(samples, name)):
            continue
        top = [below + tokens for below, tokens in zip(base, getattr(samples, name), strict=True)]
        # An edge in its own colour closes the hairline between neighbours.
        axes.fill_between(samples.time_s, base, top, color=colour, lw=0.3, label=meaning)
        base = top
    axes.axhline(samples.capacity_tokens, color=INK, lw=1.2, zorder=4)
    axes.set_ylim(0, max(samples.capacity_tokens, *base, 1) * 1.08)
    axes.set_ylabel("KV, tokens")
    axes.locator_params(axis="y", nbins=6)
    axes.yaxis.set_major_formatter(lambda value, _: tick_text(value))
    scale_time(axes, *span, labelled=False)


def _draw_waiting(axes: Any, engines: Sequence[Samples], paused: Sequence[int], span: tuple[float, float]) -> None:
    time_s = min((samples.time_s for samples in engines), key=len)
    queued = [sum(numbers) for numbers in zip(*(samples.queued for samples in engines), strict=False)]
    for numbers, colour, name in ((queued, QUEUED, "queued"), (paused, PAUSED, "paused")):
        length = min(len(time_s), len(numbers))
        axes.plot(time_s[:length], numbers[:length], color=colour, lw=1.8, label=name)
    axes.set_ylim(0, max([*queued, *paused, 1]) * 1.12)
    axes.yaxis.get_major_locator().set_params(integer=True, nbins=3)
    axes.set_ylabel("waiting")
    scale_time(axes, *span)


def _equally_long(samples: Samples) -> Samples:
    names = ("time_s", "reasoning_tokens", "held_tokens", "shared_tokens", "running", "queued")
    length = min(len(getattr(samples, name)) for name in names)
    return replace(samples, **{name: getattr(samples, name)[:length] for name in names})


def _sum(engines: Sequence[Samples]) -> Samples:
    def total(name: str) -> list[int]:
        return [sum(numbers) for numbers in zip(*(getattr(samples, name) for samples in engines), strict=False)]

    return Samples(
        f"all {len(engines)} engines",
        sum(samples.capacity_tokens for samples in engines),
        min((samples.time_s for samples in engines), key=len),
        *(total(name) for name in ("reasoning_tokens", "held_tokens", "shared_tokens", "running", "queued")),
    )
