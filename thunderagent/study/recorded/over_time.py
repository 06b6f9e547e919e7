"""A run in equal parts of time: what was done in each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from thunderagent.study.recorded.states import STATES, at_once, spans_of
from thunderagent.study.recorded.steps import Floats, Steps

PARTS = 120
"""Of the longest run of a page: a point for every six pixels or so."""
ENOUGH = 20
"""Waits in a part from which a 99th percentile can be told; with fewer it is their longest."""


@dataclass(frozen=True, slots=True)
class OverTime:
    """Series with a value for each part; NaN: nothing is known of it."""

    edges: Floats
    steps_per_min: Floats
    hit_rate: Floats
    reprefilled_per_s: Floats
    wait_p50_s: Floats
    wait_p99_s: Floats
    doing: dict[str, Floats]
    """By state: programs that do it at once, on average."""
    engines: dict[str, Floats]
    """By backend: turns in it at once, its queue included."""

    @property
    def middles(self) -> Floats:
        """Of the parts, in seconds from the run's begin."""
        middles: Floats = (self.edges[1:] + self.edges[:-1]) / 2
        return middles


def part_of(length_s: float, steps: int) -> float:
    """Seconds of a part: fewer of them for few steps, so that curves are no noise."""
    return max(length_s, 1e-3) / int(np.clip(steps // 8, 12, PARTS))


def over_time(steps: Steps, part_s: float) -> OverTime:
    """In parts of ``part_s`` seconds; the last one ends with the run."""
    edges = np.append(np.arange(0.0, max(steps.length_s, 1e-3) - part_s * 1e-6, part_s), max(steps.length_s, 1e-3))
    if len(edges) > 2 and edges[-1] - edges[-2] < part_s / 2:  # too short for a rate
        edges = np.delete(edges, -2)
    number = steps.number
    at: npt.NDArray[np.int64] = np.clip(np.searchsorted(edges, number["completed_at"], "right") - 1, 0, len(edges) - 2)
    spans = spans_of(steps)

    def summed(values: npt.NDArray[np.float64] | npt.NDArray[np.bool_]) -> Floats:
        return np.asarray(np.bincount(at, np.nan_to_num(values.astype(np.float64)), len(edges) - 1), np.float64)

    seconds = np.diff(edges)
    known = np.isfinite(number["cached_tokens"])
    prompts = summed(np.where(known, number["prompt_tokens"], 0.0))
    again_known = np.isfinite(number["reprefilled_tokens"]).any()
    p50, p99 = _percentiles(at, steps.wait_s, len(seconds))
    return OverTime(
        edges=edges,
        steps_per_min=summed(steps.completed) / seconds * 60,
        hit_rate=np.divide(summed(number["cached_tokens"]), prompts, out=np.full(len(seconds), np.nan), where=prompts > 0),
        reprefilled_per_s=summed(number["reprefilled_tokens"]) / seconds if again_known else np.full(len(seconds), np.nan),
        wait_p50_s=p50,
        wait_p99_s=p99,
        doing={state: at_once(*spans[state], edges) for state in STATES},
        engines={
            name: at_once(spans["queued"][0][here], spans["decode"][1][here], edges)
            for code, name in enumerate(steps.names["backend"])
            if len(here := np.flatnonzero(steps.code["backend"] == code))
        },
    )


def _percentiles(at: npt.NDArray[np.int64], waits: Floats, parts: int) -> tuple[Floats, Floats]:
    order = np.argsort(at, kind="stable")
    cuts = np.searchsorted(at[order], np.arange(1, parts))
    found = [
        (np.median(some), np.percentile(some, 99 if len(some) >= ENOUGH else 100)) if len(some) else (np.nan, np.nan)
        for some in np.split(waits[order], cuts)
    ]
    p50, p99 = np.array(found).T
    return p50, p99
