"""Programs over time: a row for each, coloured by what it does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from thunderagent.study.document import STATES, Timeline, Track
from thunderagent.study.report.canvas import CHARACTER, Panel, compose, swatch
from thunderagent.study.report.numbers import shorten
from thunderagent.study.report.palette import STATES as COLOURS
from thunderagent.study.report.time_axis import scale_time
from thunderagent.study.report.words import STATES as WORDS

MAX_TRACKS = 40
ROW_IN = 0.185
NAME_LENGTH = 18


def draw_gantt(title: str, timeline: Timeline) -> Figure | None:
    """None: no program was tracked."""
    tracks = [track for track in timeline.tracks if _spans(track)][:MAX_TRACKS]
    if not tracks:
        return None
    longest = max(len(shorten(track.program, NAME_LENGTH)) for track in tracks)
    panel = Panel("", partial(_draw, tracks=tracks), ROW_IN * len(tracks), left=longest * CHARACTER + 0.2)
    return compose(title, [panel], 1, [swatch(COLOURS[state], WORDS[state]) for state in STATES])


def _draw(axes: Any, tracks: Sequence[Track]) -> None:
    begin_s = min(begin for track in tracks for _, begin, _ in _spans(track))
    end_s = max(end for track in tracks for _, _, end in _spans(track))
    for state in STATES:
        bars = [
            [(begin, row - 0.4), (end, row - 0.4), (end, row + 0.4), (begin, row + 0.4)]
            for row, track in enumerate(tracks)
            for name, begin, end in _spans(track)
            if name == state
        ]
        # Thousands of bars would make a page of megabytes; as pixels they take some kilobytes.
        axes.add_collection(PolyCollection(bars, facecolors=COLOURS[state], linewidths=0, label=state, rasterized=True))
    axes.set_yticks(range(len(tracks)), [shorten(track.program, NAME_LENGTH) for track in tracks], size=8)
    axes.set_ylim(len(tracks) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    scale_time(axes, begin_s, end_s)


def _spans(track: Track) -> list[tuple[str, float, float]]:
    return [(state, begin, end) for state, begin, end in track.spans if math.isfinite(begin) and math.isfinite(end)]
