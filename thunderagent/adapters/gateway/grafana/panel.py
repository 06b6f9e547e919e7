"""What one picture of a dashboard shows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from thunderagent.adapters.gateway.grafana import promql

TOKENS_PER_S = "suffix: tok/s"
BACKEND, ENGINE = "{{backend}}", "{{engine}}"
"""Legends: the values of labels."""


class Look(StrEnum):
    """Grafana's kinds of panels."""

    LINES = "timeseries"
    NUMBER = "stat"
    HEATMAP = "heatmap"
    STATES = "state-timeline"
    TABLE = "table"


class Query(NamedTuple):
    """One line of a panel, or several that their labels tell apart."""

    expression: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """Units are Grafana's: ``s``, ``bytes``, ``percentunit`` (0..1), ``short`` (a number), ``suffix:...``."""

    title: str
    text: str
    unit: str
    queries: tuple[Query, ...]
    look: Look = Look.LINES
    stacked: bool = False

    @property
    def width(self) -> int:
        """Of 24 columns."""
        return 4 if self.look is Look.NUMBER else 8

    @property
    def height(self) -> int:
        """In Grafana's rows of 30 pixels."""
        return 4 if self.look is Look.NUMBER else 8


def lines(title: str, text: str, unit: str, *queries: tuple[str, str], stacked: bool = False) -> Panel:
    """Each query is its PromQL and its legend."""
    return Panel(title, text, unit, _queries(queries), stacked=stacked)


def number(title: str, text: str, unit: str, expression: str) -> Panel:
    """The newest value, large."""
    return Panel(title, text, unit, (Query(expression, ""),), Look.NUMBER)


def spread(title: str, text: str, unit: str, name: str) -> Panel:
    """Median, tail and mean of a histogram."""
    median, tail = (promql.quantile(share, name) for share in (0.5, 0.95))
    return lines(title, text, unit, (median, "half"), (tail, "95%"), (promql.mean(name), "mean"))


def heatmap(title: str, text: str, unit: str, name: str) -> Panel:
    """All of a histogram over time."""
    return Panel(title, text, unit, (Query(promql.buckets(name), "{{le}}"),), Look.HEATMAP)


def states(title: str, text: str, *queries: tuple[str, str]) -> Panel:
    """Queries that are 0 or 1."""
    return Panel(title, text, "short", _queries(queries), Look.STATES)


def table(title: str, text: str, expression: str) -> Panel:
    """The labels of what there is now."""
    return Panel(title, text, "short", (Query(expression, ""),), Look.TABLE)


def _queries(queries: tuple[tuple[str, str], ...]) -> tuple[Query, ...]:
    return tuple(Query(expression, legend) for expression, legend in queries)
