"""One metric of ``GET /metrics``: its name, what it tells and its labels, known before anything is measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

PREFIX = "thunderagent_"


class Kind(StrEnum):
    """Prometheus' types of metrics, as far as there are some here."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """A metric. Its labels have few values: engines, and words of fixed lists; never anything that clients send."""

    kind: Kind
    name: str
    """Without ``_total`` and its like."""
    text: str
    labels: tuple[str, ...] = ()

    @property
    def series(self) -> tuple[str, ...]:
        """The names that Prometheus knows it by."""
        match self.kind:
            case Kind.COUNTER:
                return (f"{self.name}_total",)
            case Kind.GAUGE:
                return (self.name,)
            case Kind.HISTOGRAM:
                return tuple(f"{self.name}_{suffix}" for suffix in ("bucket", "sum", "count"))

    def of(self, value: float) -> Metric:
        """Its only value."""
        return self.rows([((), value)])

    def rows(self, rows: Iterable[tuple[tuple[str, ...], float | None]]) -> Metric:
        """Its values by their labels; None: there is none (what is not known is not zero)."""
        made = CounterMetricFamily if self.kind is Kind.COUNTER else GaugeMetricFamily
        metric = made(self.name, self.text, labels=self.labels)
        for labels, value in rows:
            if value is not None:
                metric.add_metric(labels, value)
        return metric


def counter(name: str, text: str, *labels: str) -> Family:
    """What only grows."""
    return Family(Kind.COUNTER, PREFIX + name, text, labels)


def gauge(name: str, text: str, *labels: str) -> Family:
    """What goes up and down."""
    return Family(Kind.GAUGE, PREFIX + name, text, labels)


def histogram(name: str, text: str) -> Family:
    """How a quantity is spread (``Histogram``)."""
    return Family(Kind.HISTOGRAM, PREFIX + name, text)
