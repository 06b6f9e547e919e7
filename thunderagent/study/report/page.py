"""One page that needs nothing but itself: numbers, tables, pictures and words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from thunderagent.study.document import METRICS, Study
from thunderagent.study.report import words
from thunderagent.study.report.canvas import to_svg
from thunderagent.study.report.comparison import Comparison, comparisons
from thunderagent.study.report.headline import headlines
from thunderagent.study.report.numbers import MISSING, spread_text, unit_of, value_text
from thunderagent.study.report.palette import looks
from thunderagent.study.report.pictures import Picture, timeline_title


def page(study: Study, of_study: Sequence[Picture], of_timelines: Sequence[Sequence[Picture]]) -> str:
    """The page as HTML; ``of_timelines`` has the pictures of each timeline of the study."""
    environment = Environment(
        loader=PackageLoader("thunderagent.study.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(svg=_svg, label=words.policy_label, cell=_cell, metrics=METRICS, unit=unit_of, same=_same)
    found = comparisons(study)
    shown = [metric for metric in METRICS if any(metric in row for one in found for row in one.rows.values())]
    return environment.get_template("page.html.jinja").render(
        study=study,
        headlines=headlines(found),
        comparisons=found,
        colours={policy: look.colour for policy, look in looks(study.policies).items()},
        pictures=of_study,
        timelines=[
            (timeline_title(timeline), pictures)
            for timeline, pictures in zip(study.timelines, of_timelines, strict=True)
            if pictures
        ],
        settings=list(flat(study.settings)),
        glossary=_glossary(study, shown),
    )


def flat(settings: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Settings as lines: names of nested ones with dots, lists with commas."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{above}{name}.")
        elif isinstance(value, list | tuple):
            yield f"{above}{name}", ", ".join(map(str, value))
        elif isinstance(value, float | int) and not isinstance(value, bool):
            yield f"{above}{name}", f"{value:,.10g}" if abs(value) >= 10_000 else f"{value:.10g}"
        else:
            yield f"{above}{name}", str(value)


def _svg(picture: Picture) -> Markup:
    return Markup(to_svg(picture.figure, picture.name, picture.alternative))  # its text is escaped where it is made


def _cell(comparison: Comparison, policy: str, metric: str) -> dict[str, Any]:
    value = comparison.rows[policy].get(metric)
    if value is None:
        return {"text": MISSING, "spread": "", "best": False}
    return {
        "text": value_text(metric, value.median),
        "spread": spread_text(metric, value.low, value.high),
        "best": policy in comparison.best(metric),
    }


def _same(comparison: Comparison) -> str:
    return ", ".join(f"{METRICS[metric].label} {text}" for metric, text in comparison.same.items())


def _glossary(study: Study, metrics: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
    sections = [("Policies", words.policy_words(study.policies))] if study.cells else []
    if metrics:
        sections.append(("Columns", {METRICS[metric].label: words.METRICS[metric] for metric in metrics}))
    if study.timelines:
        sections.append(("States of a program", {state: text.capitalize() + "." for state, text in words.STATES.items()}))
    return [*sections, ("Terms", words.TERMS)]
