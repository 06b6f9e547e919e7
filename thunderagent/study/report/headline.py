"""What a reader wants to know first: how ``thunder`` does against the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from thunderagent.study.report.comparison import Comparison, heaviest
from thunderagent.study.report.words import ALONE, BOUND, CAP, THUNDER, TR


@dataclass(frozen=True, slots=True)
class Headline:
    """Of one workload."""

    title: str
    measure: str
    """What is compared."""
    figures: list[tuple[str, str]]
    """Value and what it means."""


def headlines(found: Sequence[Comparison]) -> list[Headline]:
    """From medians over seeds, at the highest load of each workload. What was not simulated is left out."""
    made = [_headline(comparison) for comparison in heaviest(found)]
    return [headline for headline in made if headline.figures]


def _headline(comparison: Comparison) -> Headline:
    if comparison.is_batch:
        return Headline(comparison.title, "makespan of the others over thunder's", list(_figures(comparison, "makespan_s")))
    return Headline(comparison.title, "throughput of thunder over the others'", list(_figures(comparison, "steps_per_min")))


def _figures(comparison: Comparison, metric: str) -> Iterator[tuple[str, str]]:
    for rival, words in ((ALONE, "the engine alone"), (CAP, "the best cap"), (TR, "tr")):
        if (value := _advantage(comparison, rival, metric)) is not None:
            yield f"{value:.2f}x", words
    if (share := _advantage(comparison, BOUND, metric)) is not None:
        yield f"{100 * share:.0f}%", "of the bound"


def _advantage(comparison: Comparison, rival: str, metric: str) -> float | None:
    """How many times better thunder is; None: one of the two is missing or zero."""
    ours = comparison.rows.get(THUNDER, {}).get(metric)
    theirs = comparison.rows.get(rival, {}).get(metric)
    if ours is None or theirs is None or ours.median <= 0 or theirs.median <= 0:
        return None
    ratio = ours.median / theirs.median
    return ratio if metric == "steps_per_min" else 1 / ratio
