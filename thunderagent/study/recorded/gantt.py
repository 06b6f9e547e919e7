"""Programs of a run over time: data for the page's own drawing, and a still picture where no script runs and on paper."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import pairwise

import numpy as np

from thunderagent.study.recorded.ranking import Ranking
from thunderagent.study.recorded.states import STATES, Spans, spans_of
from thunderagent.study.recorded.steps import Ints, Steps
from thunderagent.study.report.numbers import shorten

SHOWN = 40
"""Programs of each view: what fits on a screen and on a page of paper."""
MAX_SPANS = 4_000
"""Of a program; beyond, the shortest are left out. More could not be told apart, and all have to be in the page."""
UNITS = 1_000_000
"""Times are whole numbers of so many parts of the run: no screen shows more, and digits take room."""
WIDTH, ROW, LEFT, AXIS = 1040, 15, 190, 22
"""Of the still picture, in pixels."""
NAME_LENGTH = 26
CLOCK_FROM_S = 300.0
"""In longer runs, times read as hours:minutes:seconds."""
CLOCK_STEPS_S = (60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200, 86400)


@dataclass(frozen=True, slots=True)
class Gantt:
    """Of one run."""

    data: str
    """JSON that may stand in a page."""
    svg: str
    views: dict[str, str]
    """What can be looked at, by key, in words."""


def draw_gantt(steps: Steps, ranking: Ranking, name: str, length_s: float) -> Gantt:
    """Over ``length_s``, which runs that are compared have in common."""
    chosen = {
        "slowest": ("slowest programs", ranking.slowest(SHOWN)),
        "waiting": ("most waiting ones", ranking.most_waiting(SHOWN)),
        "sample": ("a sample, by birth", ranking.spread(SHOWN)),
    }
    if len(steps.first) <= SHOWN:
        chosen = {"all": ("all programs, by birth", ranking.spread(SHOWN))}
    chosen = {key: view for key, view in chosen.items() if len(view[1])}
    spans = spans_of(steps)
    places = {
        int(program): place for place, program in enumerate(np.unique(np.concatenate([view[1] for view in chosen.values()])))
    }
    document = {
        "run": name,
        "length_s": length_s,
        "units": UNITS,
        "clock": length_s > CLOCK_FROM_S,
        "programs": [{"name": ranking.name(p), "spans": _spans(steps, spans, p, UNITS / length_s)} for p in places],
        "views": {key: [places[int(program)] for program in programs] for key, (_, programs) in chosen.items()},
    }
    words, first = next(iter(chosen.values()))
    painted = [(ranking.name(int(p)), _painted(steps, spans, int(p), WIDTH - LEFT, length_s)) for p in first]
    svg = _svg(painted, f"{words} of {name}", length_s)
    return Gantt(_in_page(document), svg, {key: view[0] for key, view in chosen.items()})


def _in_page(document: dict[str, object]) -> str:
    return json.dumps(document, separators=(",", ":")).replace("<", "\\u003c")


def _spans(steps: Steps, spans: Spans, program: int, scale: float) -> list[int]:
    """State, begin and length, again and again."""
    own = slice(steps.first[program], steps.last()[program] + 1)
    parts = []
    for index, (begins, ends) in enumerate(spans[state] for state in STATES):
        begin, end = np.rint(begins[own] * scale), np.rint(ends[own] * scale)
        parts.append(np.stack([np.full(len(begin), index), begin, end - begin], axis=1)[end > begin])
    rows = np.concatenate(parts).astype(np.int64)
    if len(rows) > MAX_SPANS:
        rows = rows[np.argsort(-rows[:, 2], kind="stable")[:MAX_SPANS]]
    flat: list[int] = rows[np.argsort(rows[:, 1], kind="stable")].ravel().tolist()
    return flat


def _svg(rows: list[tuple[str, Ints]], what: str, length_s: float) -> str:
    paths: dict[str, list[str]] = {state: [] for state in STATES}
    texts = []
    for row, (name, painted) in enumerate(rows):
        for state, begin, length in _stretches(painted):
            paths[state].append(f"M{LEFT + begin} {row * ROW + 2}h{length}v{ROW - 4}h-{length}z")
        label = escape(shorten(name, NAME_LENGTH))
        texts.append(f'<text x="{LEFT - 8}" y="{row * ROW + ROW - 4}" text-anchor="end">{label}</text>')
    height = len(rows) * ROW
    bars = "".join(f'<path fill="{STATES[state].colour}" d="{"".join(path)}"/>' for state, path in paths.items() if path)
    for at_s in _ticks(length_s):
        x = LEFT + at_s / length_s * (WIDTH - LEFT)
        texts.append(f'<path class="grid" d="M{x:g} 0V{height + 3}"/>')
        place, anchor = (x, "middle") if x < WIDTH - 30 else (WIDTH, "end")
        when = time_text(at_s, length_s)
        texts.append(f'<text class="tick" x="{place:g}" y="{height + 16}" text-anchor="{anchor}">{when}</text>')
    shape = f'viewBox="0 0 {WIDTH} {height + AXIS}"'
    return f'<svg class="still" {shape} role="img" aria-label="{escape(what)}, a row for each">{"".join(texts)}{bars}</svg>'


def _ticks(length_s: float) -> list[float]:
    rough = length_s / 8
    power = 10.0 ** math.floor(math.log10(rough))
    steps = [float(step) for step in CLOCK_STEPS_S if length_s > CLOCK_FROM_S] or [step * power for step in (1, 2, 5, 10)]
    step = next((step for step in steps if step >= rough), 10 * power)
    return [step * number for number in range(int(length_s / step) + 1)]


def time_text(at_s: float, length_s: float) -> str:
    """Seconds in short runs, hours and minutes in long ones; gantt.js writes the same."""
    if length_s <= CLOCK_FROM_S:
        return f"{at_s:,.4g} s"
    minutes, seconds = divmod(round(at_s), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def _painted(steps: Steps, spans: Spans, program: int, pixels: int, length_s: float) -> Ints:
    """One more than the state of each pixel, 0 for none; even the shortest span gets one, in the order of the states."""
    row = np.zeros(pixels + 1, np.int64)
    own = slice(steps.first[program], steps.last()[program] + 1)
    for index, (begins, ends) in enumerate((spans[state] for state in STATES), start=1):
        some = ends[own] > begins[own]
        begin = np.floor(begins[own][some] / length_s * pixels).astype(np.int64)
        end = np.maximum(begin + 1, np.rint(ends[own][some] / length_s * pixels).astype(np.int64))
        for left, right in zip(begin, end, strict=True):
            row[left:right] = index
    return row[:pixels]


def _stretches(painted: Ints) -> Iterator[tuple[str, int, int]]:
    names = tuple(STATES)
    cuts = np.concatenate(([0], np.flatnonzero(np.diff(painted)) + 1, [len(painted)])).tolist()
    for begin, end in pairwise(cuts):
        if painted[begin]:
            yield names[painted[begin] - 1], begin, end - begin
