"""The cells of a study put side by side: medians and spreads over seeds, and which policy is best at what."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from thunderagent.study.document import METRICS, Cell, Study
from thunderagent.study.report.numbers import finite, load_text, unit_text, value_text
from thunderagent.study.report.words import BOUND


@dataclass(frozen=True, slots=True)
class Spread:
    """One metric over seeds."""

    median: float
    low: float
    high: float
    seeds: int


@dataclass(frozen=True)
class Comparison:
    """All policies on one workload at one load."""

    workload: str
    load: float
    programs: int
    rows: dict[str, dict[str, Spread]]
    """Policy -> metric -> spread, where there is a finite number."""

    @property
    def is_batch(self) -> bool:
        """Whether the programs begin together and the time until the last is over counts."""
        return any("makespan_s" in row for row in self.rows.values())

    @property
    def title(self) -> str:
        """Workload and load."""
        kind = load_text(self.load) or ("batch" if self.is_batch and "batch" not in self.workload else "")
        return f"{self.workload}, {kind}" if kind else self.workload

    @property
    def seeds(self) -> int:
        """Of the policy with most."""
        return max((spread.seeds for row in self.rows.values() for spread in row.values()), default=0)

    @cached_property
    def columns(self) -> list[str]:
        """Metrics of which a table shows the values: those that are not the same for all."""
        return [metric for metric in METRICS if self._values(metric) and metric not in self.same]

    @cached_property
    def same(self) -> dict[str, str]:
        """Metrics that have one value in every simulation of every policy, which a sentence says better than a column."""
        found = {}
        for metric in METRICS:
            texts = {unit_text(metric, value) for row in self._values(metric) for value in (row.low, row.high)}
            if len(texts) == 1 and len(self._values(metric)) > 1:
                found[metric] = texts.pop()
        return found

    def best(self, metric: str) -> set[str]:
        """The policies whose median, as it is shown, is the best one; none if there is nothing to choose from."""
        medians = {policy: row[metric].median for policy, row in self.rows.items() if metric in row and policy != BOUND}
        if len(medians) < 2:
            return set()
        choose = max if METRICS[metric].higher_is_better else min
        best = value_text(metric, choose(medians.values()))
        found = {policy for policy, value in medians.items() if value_text(metric, value) == best}
        return set() if len(found) == len(medians) else found

    def _values(self, metric: str) -> list[Spread]:
        return [row[metric] for row in self.rows.values() if metric in row]


def comparisons(study: Study) -> list[Comparison]:
    """By workload, then by load; policies in the order of the study, the bound last."""
    loads = [(workload, load) for workload in study.workloads for load in study.loads(workload) if math.isfinite(load)]
    return [_compare(study, workload, load) for workload, load in loads]


def heaviest(found: Sequence[Comparison]) -> list[Comparison]:
    """Of each workload the one with the highest load, where policies differ most, and the batch."""
    return [
        one for one in found if not one.load or one.load == max(other.load for other in found if other.workload == one.workload)
    ]


def spread(values: Sequence[float]) -> Spread | None:
    """Of the finite ones; None: there are none."""
    known = finite(values)
    return Spread(median(known), min(known), max(known), len(known)) if known else None


def _compare(study: Study, workload: str, load: float) -> Comparison:
    policies = sorted(study.policies, key=lambda policy: policy == BOUND)
    by_policy = {policy: cells for policy in policies if (cells := study.of(workload, policy, load))}
    programs = max(cell.programs for cells in by_policy.values() for cell in cells)
    return Comparison(workload, load, programs, {policy: _spreads(cells) for policy, cells in by_policy.items()})


def _spreads(cells: Sequence[Cell]) -> dict[str, Spread]:
    found = {metric: spread([cell.metrics[metric] for cell in cells if metric in cell.metrics]) for metric in METRICS}
    return {metric: value for metric, value in found.items() if value is not None}
