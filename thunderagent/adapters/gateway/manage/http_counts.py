"""What the gateway counts of HTTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class HttpCounts(Collector):
    """Plain numbers, counted on the hot path; made into metrics when somebody asks."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        """By endpoint (of a fixed list, never a path as it was sent) and status."""
        self.problems: Counter[str] = Counter()
        """Requests that the gateway answered itself, by ``RequestProblem.reason``."""
        self.retries: Counter[str] = Counter()
        """Requests that were sent once more, by the backend that had failed."""
        self.disconnects = 0
        """Clients that left before their answer was complete."""
        self.open_requests = 0
        """Being read, waiting, or running."""

    def collect(self) -> Iterator[Metric]:
        answers = CounterMetricFamily("thunderagent_http_answers", "Answers to clients.", labels=["endpoint", "status"])
        for (endpoint, status), count in self.answers.items():
            answers.add_metric([endpoint, str(status)], count)
        yield answers
        problems = CounterMetricFamily("thunderagent_http_problems", "Requests that no engine answered.", labels=["reason"])
        for reason, count in self.problems.items():
            problems.add_metric([reason], count)
        yield problems
        retries = CounterMetricFamily(
            "thunderagent_http_retries", "Requests that were sent to an engine again.", labels=["backend"]
        )
        for backend, count in self.retries.items():
            retries.add_metric([backend], count)
        yield retries
        yield CounterMetricFamily(
            "thunderagent_http_disconnects", "Clients that left before their answer was complete.", value=self.disconnects
        )
        yield GaugeMetricFamily(
            "thunderagent_http_open_requests", "Requests being read, waiting or running.", value=self.open_requests
        )
