"""What the gateway counts of HTTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from thunderagent.adapters.gateway.manage.metrics.family import counter, gauge

ANSWERS = counter("http_answers", "Answers to clients.", "endpoint", "status")
PROBLEMS = counter("http_problems", "Requests that no engine answered, by error.code.", "reason")
RETRIES = counter("http_retries", "Requests that were sent to an engine again.")
DISCONNECTS = counter("http_disconnects", "Clients that left before their answer was complete.")
OPEN_REQUESTS = gauge("http_open_requests", "Requests being read, waiting or running.")
CONNECTED = gauge("scheduler_connected", "0 while a gateway process has lost its scheduler; it answers for itself then.")
PASSED_THROUGH = counter(
    "turns_passed_through", "Turns that went to an engine unscheduled, as their gateway had lost its scheduler."
)
FAMILIES = (ANSWERS, PROBLEMS, RETRIES, DISCONNECTS, OPEN_REQUESTS, CONNECTED, PASSED_THROUGH)


class HttpCounts(Collector):
    """Plain numbers, counted on the hot path; made into metrics when somebody asks."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        """By endpoint (of a fixed list, never a path as it was sent) and status."""
        self.problems: Counter[str] = Counter()
        """Requests that the gateway answered itself, by ``RequestProblem.reason``."""
        self.retries = 0
        """Requests that were sent once more."""
        self.disconnects = 0
        """Clients that left before their answer was complete."""
        self.open_requests = 0
        """Being read, waiting, or running."""
        self.scheduler_connected = True
        self.passed_through = 0
        """Turns that no scheduler was asked for."""

    def collect(self) -> Iterator[Metric]:
        yield ANSWERS.rows(((endpoint, str(status)), count) for (endpoint, status), count in self.answers.items())
        yield PROBLEMS.rows(((reason,), count) for reason, count in self.problems.items())
        yield RETRIES.of(self.retries)
        yield DISCONNECTS.of(self.disconnects)
        yield OPEN_REQUESTS.of(self.open_requests)
        yield CONNECTED.of(self.scheduler_connected)
        yield PASSED_THROUGH.of(self.passed_through)
