"""What the runs come to, with the goals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from benchmarks.report import Figure
from benchmarks.serving.arms import ALONE, THUNDER, TR
from recipes.serve.agents.tally import Tally

Runs = Mapping[str, Sequence[Tally]]
"""Of each arm, one per round."""
MEASURES = (
    ("steps", "per minute", lambda tally: tally.steps_per_min),
    ("KV hit rate", "of prompt tokens", lambda tally: tally.hit_rate),
    ("re-prefilled", "tokens", lambda tally: float(tally.reprefilled_tokens)),
    ("turn, median", "s", lambda tally: tally.turn_s(0.5)),
    ("turn, p95", "s", lambda tally: tally.turn_s(0.95)),
    ("turn, worst", "s", lambda tally: tally.turn_s(1.0)),
    ("failed turns", "", lambda tally: float(tally.failed)),
)


def figures(runs: Runs) -> dict[str, Figure]:
    """Comparisons first, with goals; then every arm, medians over the rounds."""
    caps = [name for name in runs if name.startswith("cap ")]
    found: dict[str, Figure] = {}
    if ALONE in runs:
        found["thunder over the engine alone"] = Figure(_ratio(runs, ALONE), "x", at_least=1.55)
    if caps:
        best = max(caps, key=lambda name: _steps(runs[name]))
        found[f"thunder over the best static cap ({best.removeprefix('cap ')})"] = Figure(_ratio(runs, best), "x", at_least=1.2)
    if TR in runs:
        found["thunder over tr"] = Figure(_ratio(runs, TR), "x", at_least=1.08)
        worst = [mine.turn_s(1.0) / its.turn_s(1.0) for mine, its in zip(runs[THUNDER], runs[TR], strict=True)]
        found["worst turn, thunder over tr"] = Figure(median(worst), "x", at_most=0.5)
    found["KV hit rate of thunder"] = Figure(median(tally.hit_rate for tally in runs[THUNDER]), "", at_least=0.75)
    for name, tallies in runs.items():
        for measure, unit, of in MEASURES:
            found[f"{name}: {measure}"] = Figure(median(of(tally) for tally in tallies), unit)
    return found


def _steps(tallies: Sequence[Tally]) -> float:
    return median(tally.steps_per_min for tally in tallies)


def _ratio(runs: Runs, over: str) -> float:
    pairs = zip(runs[THUNDER], runs[over], strict=True)
    return median(mine.steps_per_min / its.steps_per_min for mine, its in pairs)
