"""The numbers of a recorded run, and two runs compared by them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from thunderagent.study.document import Metric
from thunderagent.study.recorded.run import Run
from thunderagent.study.recorded.states import spans_of
from thunderagent.study.recorded.steps import Floats
from thunderagent.study.report.numbers import MISSING, number_text
from thunderagent.study.report.time_axis import UNITS

METRICS = {
    "steps_per_min": Metric("throughput", "steps/min", True),
    "output_tokens_per_s": Metric("generated", "tokens/s", True),
    "hit_rate": Metric("KV hit rate", "share", True),
    "reprefilled_tokens": Metric("re-prefilled", "tokens", False),
    "turn_p50_s": Metric("turn p50", "s", False),
    "turn_p99_s": Metric("turn p99", "s", False),
    "wait_p50_s": Metric("wait p50", "s", False),
    "wait_p99_s": Metric("wait p99", "s", False),
    "wait_max_s": Metric("longest wait", "s", False),
    "engine_p50_s": Metric("in the engine p50", "s", False),
    "engine_p99_s": Metric("in the engine p99", "s", False),
    "tool_s": Metric("tool time", "", False),
    "hidden_share": Metric("hidden preparation", "share", True),
    "length_s": Metric("whole run", "", False),
    "programs": Metric("programs", "", True),
    "steps": Metric("steps completed", "", True),
    "failed": Metric("steps not completed", "", False),
}
"""In the order in which they are shown. A run has those that its profile tells."""
MEANINGS = {
    "steps_per_min": "Completed steps (one turn of the model each, with the tool call before it) per minute of the whole run.",
    "output_tokens_per_s": "Tokens that all engines generate per second.",
    "hit_rate": "Part of the prompt tokens that is found in the KV cache and need not be computed again.",
    "reprefilled_tokens": "Prompt tokens computed again although the program's turn before had left them in the cache.",
    "turn_p50_s": "Half of the turns take no longer from arrival to their last token: all that an agent sees of a turn.",
    "turn_p99_s": "99 of 100 turns take no longer than this.",
    "wait_p50_s": "Half of the turns wait no longer until they start: held back by the scheduler and, if it is told, queued.",
    "wait_p99_s": "99 of 100 turns wait no longer than this.",
    "wait_max_s": "No turn waits longer than this.",
    "engine_p50_s": "Half of the turns take no longer than this from their start to their last token.",
    "engine_p99_s": "99 of 100 turns take no longer than this.",
    "tool_s": "Of all programs together, from a turn's end to the next one's arrival.",
    "hidden_share": "Part of the preparation of sandboxes for which no program had to wait.",
    "length_s": "From the first arrival to the last completion.",
}
DURATIONS = frozenset({"tool_s", "length_s"})
"""Times that may be hours, and are shown with the unit that suits them."""
NEUTRAL = frozenset({"programs", "steps", "tool_s"})
"""How much was asked for, not how well it went: nobody is better by these."""
WAITS = frozenset({"wait_p50_s", "wait_p99_s", "wait_max_s", "engine_p50_s", "engine_p99_s"})
"""Where an engine does not tell its queue, waits in it are time in the engine: such runs are compared by whole turns alone."""
LEAST_S = 0.01
"""That is shown as a number; waits below are those of asyncio, not of anybody who holds back."""
EVEN, EVEN_S = 0.005, LEAST_S
"""Ratios so near to 1, and times so near to each other, mark nobody as better."""


@dataclass(frozen=True, slots=True)
class Row:
    """One number of a run, beside that of another."""

    metric: str
    value: str
    other: str
    ratio: str = ""
    """Of the value over the other one; empty if there is none."""
    better: bool | None = None
    """Whether the run is better than the other; None: neither is."""
    verdict: str = ""
    """In words, with how many times it is better or worse."""


def measured(run: Run) -> dict[str, float]:
    """Of ``METRICS``, what there is."""
    steps = run.steps
    done, number = steps.completed, steps.number
    minutes = max(steps.length_s, 1e-9) / 60
    spans = spans_of(steps)
    waits, turns = steps.wait_s, number["completed_at"] - number["arrived_at"]
    engine = spans["decode"][1] - spans["prefill"][0]
    found = {
        "steps_per_min": done.sum() / minutes,
        "output_tokens_per_s": number["completion_tokens"].sum() / minutes / 60,
        "hit_rate": hit_rate(number["cached_tokens"], number["prompt_tokens"]),
        "reprefilled_tokens": np.nansum(number["reprefilled_tokens"]) if told(number["reprefilled_tokens"]) else np.nan,
        "turn_p50_s": np.percentile(turns[done], 50) if done.any() else np.nan,
        "turn_p99_s": np.percentile(turns[done], 99) if done.any() else np.nan,
        "wait_p50_s": np.percentile(waits, 50),
        "wait_p99_s": np.percentile(waits, 99),
        "wait_max_s": waits.max(),
        "engine_p50_s": np.percentile(engine[done], 50) if done.any() else np.nan,
        "engine_p99_s": np.percentile(engine[done], 99) if done.any() else np.nan,
        "tool_s": number["tool_call_s"].sum(),
        "hidden_share": np.nan,
        "length_s": steps.length_s,
        "programs": len(steps.first),
        "steps": done.sum(),
        "failed": len(steps) - done.sum() or np.nan,
    }
    if run.sandboxes is not None and run.sandboxes.prepare_s > 0:
        found["hidden_share"] = run.sandboxes.hidden_s / run.sandboxes.prepare_s
    return {metric: float(value) for metric, value in found.items() if np.isfinite(value)}


def told(values: Floats) -> bool:
    """Whether any engine told it."""
    return bool(np.isfinite(values).any())


def hit_rate(cached: Floats, prompt: Floats) -> float:
    """Of the tokens of those turns whose engine tells it; NaN: none does."""
    known = np.isfinite(cached)
    return float(cached[known].sum() / max(prompt[known].sum(), 1.0)) if known.any() else float("nan")


def compare(run: Run, other: Run | None) -> list[Row]:
    """A row for each number that either has; without another run its columns are empty."""
    mine, others = measured(run), {} if other is None else measured(other)
    hidden = other is not None and not (tells_queue(run) and tells_queue(other))
    return [
        _row(metric, mine.get(metric), others.get(metric), judged=metric not in NEUTRAL and not (hidden and metric in WAITS))
        for metric in METRICS
        if metric in mine or metric in others
    ]


def tells_queue(run: Run) -> bool:
    """Whether waits in the engine's queue are known."""
    return told(run.steps.number["queue_s"])


def text(metric: str, value: float | None) -> str:
    """With as many digits as tell something, without the unit of the column."""
    if value is None:
        return MISSING
    if metric in DURATIONS:
        size, name, _ = next(unit for unit in UNITS if value <= unit[2])
        return f"{number_text(value / size)} {name}"
    return f"{100 * value:.1f}%" if METRICS[metric].unit == "share" else seconds_text(value)


def seconds_text(value: float) -> str:
    """Of times and counts: what is more than nothing does not read as nothing."""
    return f"<{LEAST_S}" if 0 < value < LEAST_S / 2 else number_text(value)


def _row(metric: str, mine: float | None, other: float | None, *, judged: bool) -> Row:
    row = Row(metric, text(metric, mine), text(metric, other))
    if mine is None or other is None:
        return row
    even_s = EVEN_S if METRICS[metric].unit == "s" else 0.0
    ratio = _times(mine / other) if other > even_s and (judged or metric in NEUTRAL) else ""
    if not judged or abs(mine - other) <= max(EVEN * other, even_s):
        return replace(row, ratio=ratio)
    better = (mine > other) == METRICS[metric].higher_is_better
    low, high = sorted((mine, other))
    times = f"{_times(high / low)} " if low > 0 else ""
    return replace(row, ratio=ratio, better=better, verdict=f"{times}{'better' if better else 'worse'}")


def _times(ratio: float) -> str:
    return f"{ratio:.2f}x" if ratio < 100 else f"{number_text(ratio)}x"
