"""Figures put together from panels whose sizes are given in inches, and saved; the look that all of them have."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from io import StringIO
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.transforms import Bbox

from thunderagent.study.report.numbers import shorten
from thunderagent.study.report.palette import GRID, INK, MUTED, PAPER

WIDTH = 9.6
"""Of every figure, in inches: one point is about 1.4 pixels on the page, so 9 points are well legible."""
CHARACTER = 0.078
"""Mean width of a character of 9 points, in inches, rounded up."""
DPI = 150
STYLE = {
    "font.size": 9,
    "text.color": INK,
    "text.parse_math": False,  # names may hold dollar signs
    "axes.facecolor": "none",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "legend.frameon": False,
    "svg.fonttype": "none",  # text stays text: small, and to be found, read aloud and copied
}
TITLE_IN, KEYS_IN, PANEL_TITLE_IN = 0.34, 0.28, 0.28


@dataclass(frozen=True, slots=True)
class Panel:
    """One plot of a figure; the plotted area has ``height`` and what the margins leave of the width."""

    title: str
    draw: Callable[[Any], None]
    height: float
    left: float = 0.6
    right: float = 0.25
    below: float = 0.55


@contextmanager
def style() -> Iterator[None]:
    """The look holds inside, and nothing of it outside."""
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a name in a script that the font lacks is drawn as boxes
        yield


def compose(title: str, panels: Sequence[Panel], columns: int, keys: Sequence[Any] = ()) -> Figure:
    """A figure of panels in rows; ``keys`` are labelled artists that explain colours or marks."""
    rows = [panels[start : start + columns] for start in range(0, len(panels), columns)]
    heights = [max(bool(p.title) * PANEL_TITLE_IN + p.height + p.below for p in row) for row in rows]
    total = TITLE_IN + bool(keys) * KEYS_IN + sum(heights)
    with style():
        figure = Figure(figsize=(WIDTH, total))
        figure.patch.set_alpha(0)
        figure.text(0, 1 - 0.06 / total, shorten(title, 82), size=12, weight="bold", va="top")
        if keys:
            _draw_keys(figure, keys, 1 - TITLE_IN / total)
        top = total - TITLE_IN - bool(keys) * KEYS_IN
        for row, height in zip(rows, heights, strict=True):
            for column, panel in enumerate(row):
                _place(figure, panel, column * WIDTH / columns, top, WIDTH / columns)
            top -= height
    return figure


def fit(text: str, limit: int) -> tuple[str, float]:
    """A shortened label and the inches that it takes."""
    short = shorten(text, limit)
    return short, len(short) * CHARACTER


def swatch(colour: str, meaning: str) -> Any:
    """A key for an area."""
    return Patch(color=colour, linewidth=0, label=meaning)


def save_png(figure: Figure, path: Path) -> None:
    """On white, with a margin."""
    width, height = figure.get_size_inches()
    with style():
        figure.savefig(path, dpi=DPI, facecolor="white", bbox_inches=Bbox([[-0.15, -0.05], [width + 0.15, height + 0.1]]))


def to_svg(figure: Figure, name: str, alternative: str) -> str:
    """An element to stand in a page: scalable, in the page's font and its colours for light and dark."""
    buffer = StringIO()
    with style(), matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", dpi=2 * DPI, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    width, height = figure.get_size_inches()
    body = buffer.getvalue()
    body = body[body.index(">", body.index("<svg")) + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", body, flags=re.DOTALL)  # a style would be the whole page's
    body = re.sub(r'<g id="[\w.]+"', "<g", body)  # would be the same in all figures of a page
    body = re.sub(r'style="[^"]*"', _themed, body)
    shape = f'viewBox="0 0 {72 * width:g} {72 * height:g}"'
    return f'<svg {shape} role="img" aria-label="{escape(alternative)}">{body}'


def _themed(attribute: re.Match[str]) -> str:
    text = re.sub(r"font-family: [^;]*;|(?<=px) '[^;]*", lambda found: " var(--font)" if found[0][0] == " " else "", attribute[0])
    for colour, variable in ((INK, "ink"), (MUTED, "muted"), (GRID, "grid"), (PAPER, "paper")):
        text = text.replace(colour, f"var(--{variable})")
    return text


def _draw_keys(figure: Figure, keys: Sequence[Any], top: float) -> None:
    figure.legend(
        handles=list(keys),
        loc="upper left",
        bbox_to_anchor=(0, top),
        ncols=len(keys),
        borderpad=0,
        borderaxespad=0,
        handlelength=1,
        handleheight=1,
        handletextpad=0.5,
        columnspacing=1.6,
    )


def _place(figure: Figure, panel: Panel, x: float, top: float, width: float) -> None:
    total = figure.get_figheight()
    if panel.title:
        size = int((width - 0.3) / CHARACTER)
        figure.text(x / WIDTH, (top - 0.06) / total, shorten(panel.title, size), va="top", size=10)
        top -= PANEL_TITLE_IN
    box = (x + panel.left, top - panel.height, width - panel.left - panel.right, panel.height)
    panel.draw(figure.add_axes((box[0] / WIDTH, box[1] / total, box[2] / WIDTH, box[3] / total)))
