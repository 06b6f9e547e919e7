"""Sandboxes in Prometheus' format."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from thunderagent.runtime.tools import ToolHost

GAUGES = {
    "sandboxes": ("sandboxes", "Sandboxes that exist."),
    "preparing": ("sandboxes_preparing", "Sandboxes that are being prepared."),
    "ready": ("sandboxes_ready", "Sandboxes that are ready before their program asks for them."),
    "idle": ("sandboxes_idle", "Sandboxes that are kept for other programs."),
    "waiting_programs": ("waiting_requests", "Requests that wait for a sandbox."),
    "disk_bytes": ("disk_bytes", "Disk that sandboxes take beyond their images."),
    "image_disk_bytes": ("image_disk_bytes", "Disk that the images take that were fetched for sandboxes."),
}
COUNTERS = {
    "handed_out": ("sandboxes_used", "Sandboxes that programs had and are done with."),
    "reused": ("sandboxes_reused", "Of these: were there already."),
    "unused": ("sandboxes_unused", "Sandboxes that were prepared for a program that never asked for them."),
    "refused": ("sandboxes_refused", "Sandboxes that programs did not get."),
    "prepare_s": ("prepare_seconds", "That preparations took."),
    "waited_s": ("wait_seconds", "That programs waited for sandboxes."),
}
"""Of ``ToolHost.snapshot``: name and help; ``_total`` is added to counters."""
DERIVED = {"overlapped_share"}
"""Of ``ToolHost.snapshot``: to be computed by whoever asks, from ``hidden_seconds`` and ``prepare_seconds``."""


class ToolCollector(Collector):
    """Reads the host when somebody asks. O(1)."""

    def __init__(self, tools: ToolHost) -> None:
        self._tools = tools

    def collect(self) -> Iterator[Metric]:
        snapshot, prefix = self._tools.snapshot(), "thunderagent_tool"
        for key, (name, text) in GAUGES.items():
            yield GaugeMetricFamily(f"{prefix}_{name}", text, value=snapshot[key])
        for key, (name, text) in COUNTERS.items():
            yield CounterMetricFamily(f"{prefix}_{name}", text, value=snapshot[key])
        hidden = "Of the time that preparations took: while no program waited for them."
        yield CounterMetricFamily(f"{prefix}_hidden_seconds", hidden, value=self._tools.totals.hidden_s)
