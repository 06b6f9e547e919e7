"""What clients get."""

from __future__ import annotations

from thunderagent.adapters.gateway.grafana.panel import lines
from thunderagent.adapters.gateway.grafana.promql import now, rate

PANELS = (
    lines("Answers", "By status.", "suffix:/s", (rate("http_answers", "status"), "{{status}}"), stacked=True),
    lines("Answers by endpoint", "All of them.", "suffix:/s", (rate("http_answers", "endpoint"), "{{endpoint}}"), stacked=True),
    lines(
        "Problems", "Requests that no engine answered, by reason.", "suffix:/s", (rate("http_problems", "reason"), "{{reason}}")
    ),
    lines("Open requests", "Being read, waiting or running.", "short", (now("http_open_requests"), "open")),
    lines("Clients that left", "Before their answer was complete.", "suffix:/s", (rate("http_disconnects"), "left")),
    lines(
        "Sent again", "Requests that another engine, or the same, got once more.", "suffix:/s", (rate("http_retries"), "retries")
    ),
)
