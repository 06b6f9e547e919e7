"""The page of one recorded run, or of two: needs nothing but itself, and is whole without its script."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from thunderagent.study.recorded.gantt import draw_gantt
from thunderagent.study.recorded.metrics import MEANINGS, METRICS, Row, compare, seconds_text
from thunderagent.study.recorded.over_time import over_time, part_of
from thunderagent.study.recorded.pictures import COLOURS, pictures
from thunderagent.study.recorded.ranking import Ranking, engine_rows, tool_rows
from thunderagent.study.recorded.run import Run
from thunderagent.study.recorded.states import STATES, spans_of, states_of
from thunderagent.study.report.canvas import to_svg
from thunderagent.study.report.numbers import MISSING, shorten
from thunderagent.study.report.pictures import Picture

TILES = (
    "steps_per_min",
    "hit_rate",
    "reprefilled_tokens",
    "turn_p99_s",
    "wait_p50_s",
    "wait_p99_s",
    "tool_s",
    "hidden_share",
    "length_s",
)
MAX_TILES = 8
"""The numbers that a reader sees first: two rows of them."""
PROGRAM_COLUMNS = ("steps", "whole time", "waits", "in engines", "tools", "KV hit rate", "re-prefilled")


def page(run: Run, other: Run | None = None) -> str:
    """The page as HTML; ``other`` is what the run is compared with."""
    runs = [run] if other is None else [run, other]
    length_s = max(*(one.steps.length_s for one in runs), 1e-3)
    part_s = part_of(length_s, min(len(one.steps) for one in runs))
    drawn = pictures([(one, over_time(one.steps, part_s)) for one in runs])
    rows = compare(run, other)
    shown = [row for metric in TILES for row in rows if row.metric == metric]
    script = files("thunderagent.study.recorded").joinpath("templates/gantt.js").read_text(encoding="utf-8")
    return (
        _environment()
        .get_template("recorded.html.jinja")
        .render(
            title=run.name if other is None else f"{run.name} compared with {other.name}",
            run=run,
            other=other,
            leads=[_lead(one) for one in runs],
            notes=[f"{one.name}: {note}" if other is not None else note for one in runs for note in one.notes],
            tiles=shown[:MAX_TILES],
            states=states_of([spans_of(one.steps) for one in runs]),
            rows=rows,
            pictures=drawn,
            parts=[_part(one, colour, length_s) for one, colour in zip(runs, COLOURS, strict=False)],
            script=Markup(script),
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            meanings={METRICS[row.metric].label: MEANINGS[row.metric] for row in rows if row.metric in MEANINGS},
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("thunderagent.study.recorded"), PackageLoader("thunderagent.study.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        svg=_svg, metrics=METRICS, all_states=STATES, mark=_mark, number=_number, share=_share, short=shorten,
        columns=PROGRAM_COLUMNS,
    )  # fmt: skip
    return environment


def _svg(picture: Picture) -> Markup:
    return Markup(to_svg(picture.figure, picture.name, picture.alternative))  # its text is escaped where it is made


def _number(value: float) -> str:
    return seconds_text(value) if math.isfinite(value) else MISSING


def _share(value: float) -> str:
    return f"{100 * value:.1f}%" if math.isfinite(value) else MISSING


def _mark(row: Row) -> str:
    """In words, as colours alone tell not everybody."""
    return "" if row.better is None else "better" if row.better else "worse"


def _lead(run: Run) -> str:
    steps = run.steps
    engines = len({name for name in steps.names["backend"] if name})
    counts = [_count(len(steps), "step"), _count(len(steps.first), "program"), _count(engines, "engine")]
    try:
        began = f"{datetime.fromtimestamp(steps.began_at, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, ValueError, OSError):  # no clock says so
        began = "an unknown time"
    return f"{counts[0]} of {counts[1]} at {counts[2]}, from {began}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _part(run: Run, colour: str, length_s: float) -> dict[str, Any]:
    """Of a page with two runs, what stands there for each."""
    steps = run.steps
    ranking = Ranking(steps)
    tables: Sequence[tuple[str, Any]] = [
        ("Slowest programs", ranking.rows(ranking.slowest())),
        ("Most waiting programs", ranking.rows(ranking.most_waiting())),
    ]
    return {
        "run": run,
        "colour": colour,
        "gantt": draw_gantt(steps, ranking, run.name, length_s),
        "programs": [table for table in tables if table[1]],
        "engines": engine_rows(steps),
        "tools": tool_rows(steps),
        "sandboxes": run.sandboxes,
    }
