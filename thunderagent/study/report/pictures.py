"""All pictures of a study, with their names and words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from matplotlib.figure import Figure

from thunderagent.study.document import METRICS, Study, Timeline
from thunderagent.study.report.batches import draw_makespans
from thunderagent.study.report.comparison import Comparison, comparisons, heaviest
from thunderagent.study.report.curves import draw_against_load
from thunderagent.study.report.gantt import MAX_TRACKS, draw_gantt
from thunderagent.study.report.numbers import load_text, slug, value_text
from thunderagent.study.report.occupancy import draw_occupancy
from thunderagent.study.report.palette import looks
from thunderagent.study.report.waits import draw_waits
from thunderagent.study.report.words import policy_label

CURVES = (
    ("throughput", "steps_per_min", "Throughput", "Higher"),
    ("hit-rate", "hit_rate", "KV hit rate", "Higher"),
    ("reprefilled", "reprefilled_tokens", "Tokens computed again", "Lower"),
)


class Words(NamedTuple):
    """Of a picture that compares policies."""

    name: str
    title: str
    caption: str
    metric: str
    """Whose values are told to those who do not see it."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn figure."""

    name: str
    """Of its file, without ending."""
    title: str
    caption: str
    alternative: str
    """What it shows, for those who do not see it."""
    figure: Figure


def study_pictures(study: Study) -> list[Picture]:
    """Those that compare policies; only what there are numbers for."""
    found, look = comparisons(study), looks(study.policies)
    several_loads = any(sum(load > 0 for load in study.loads(name)) > 1 for name in study.workloads)
    against = " against load" if several_loads else ""
    spans = "Medians over seeds; bands and thin lines span the seeds."
    drawn = []
    for name, metric, title, better in CURVES:
        figure = draw_against_load(title + against, metric, found, look)
        drawn.append((Words(name, title + against, f"{better} is better. {spans}", metric), figure))
    title = "Waits of turns at the highest load" if several_loads else "Waits of turns"
    caption = "From a turn's arrival to its start in the engine. Lower is better. Medians over seeds."
    drawn.insert(2, (Words("waits", title, caption, "wait_p99_s"), draw_waits(title, heaviest(found), look)))
    title = "Time until a batch is over"
    drawn.append((Words("makespan", title, f"Lower is better. {spans}", "makespan_s"), draw_makespans(title, found, look)))
    return [_picture(words, figure, found) for words, figure in drawn if figure is not None]


def timeline_pictures(study: Study) -> list[list[Picture]]:
    """Of each timeline, in the order of the study."""
    kinds = Counter((timeline.workload, timeline.policy) for timeline in study.timelines)
    taken: set[str] = set()
    return [list(_of_timeline(timeline, kinds, taken)) for timeline in study.timelines]


def timeline_title(timeline: Timeline) -> str:
    """Which simulation it shows."""
    parts = (timeline.workload, policy_label(timeline.policy), load_text(timeline.load), f"seed {timeline.seed}")
    return ", ".join(part for part in parts if part)


def _picture(words: Words, figure: Figure, found: Sequence[Comparison]) -> Picture:
    alternative = f"{words.title}. {METRICS[words.metric].label}: {' '.join(_sentences(found, words.metric))}"
    return Picture(words.name, words.title, words.caption, alternative, figure)


def _sentences(found: Sequence[Comparison], metric: str) -> Iterator[str]:
    for one in heaviest(found):
        values = [
            f"{policy_label(policy)} {value_text(metric, row[metric].median)}"
            for policy, row in one.rows.items()
            if metric in row
        ]
        if values:
            yield f"{one.title}: {', '.join(values)}."


def _of_timeline(timeline: Timeline, kinds: Counter[tuple[str, str]], taken: set[str]) -> Iterator[Picture]:
    what = timeline_title(timeline)
    tracked = f"The first {MAX_TRACKS} of {len(timeline.tracks)} programs." if len(timeline.tracks) > MAX_TRACKS else ""
    draws: tuple[tuple[str, str, Callable[[str, Timeline], Figure | None], str], ...] = (
        (
            "occupancy",
            "KV cache over time",
            draw_occupancy,
            "What is counted on the cache; above the capacity the engine must evict.",
        ),
        ("programs", "Programs over time", draw_gantt, tracked or "One row for each program, in order of birth."),
    )
    for kind, title, draw, caption in draws:
        figure = draw(f"{title}: {what}", timeline)
        if figure is not None:
            alternative = f"{title} of {what}, {'stacked areas' if kind == 'occupancy' else 'one bar for each program'}."
            yield Picture(_name(kind, timeline, kinds, taken), title, caption, alternative, figure)


def _name(kind: str, timeline: Timeline, kinds: Counter[tuple[str, str]], taken: set[str]) -> str:
    parts = [kind, slug(timeline.workload), slug(timeline.policy)]
    if kinds[timeline.workload, timeline.policy] > 1:
        parts += [f"load{slug(f'{timeline.load:g}')}", f"seed{timeline.seed}"]
    name = stem = "-".join(parts)
    number = 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    taken.add(name)
    return name
