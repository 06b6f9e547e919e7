"""Sandboxes in Prometheus' format."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from thunderagent.adapters.gateway.manage.metrics.family import counter, gauge, histogram
from thunderagent.adapters.gateway.manage.metrics.histogram import Histogram
from thunderagent.runtime.tools import SandboxProfile, ToolHost

READ = {
    "sandboxes": gauge("tool_sandboxes", "Sandboxes that exist."),
    "preparing": gauge("tool_sandboxes_preparing", "Sandboxes that are being prepared."),
    "ready": gauge("tool_sandboxes_ready", "Sandboxes that are ready before their program asks for them."),
    "idle": gauge("tool_sandboxes_idle", "Sandboxes that are kept for other programs."),
    "waiting_programs": gauge("tool_waiting_requests", "Requests that wait for a sandbox."),
    "disk_bytes": gauge("tool_disk_bytes", "Disk that sandboxes take beyond their images."),
    "image_disk_bytes": gauge("tool_image_disk_bytes", "Disk that the images take that were fetched for sandboxes."),
    "handed_out": counter("tool_sandboxes_used", "Sandboxes that programs had and are done with."),
    "reused": counter("tool_sandboxes_reused", "Of these: were there already."),
    "unused": counter("tool_sandboxes_unused", "Sandboxes that were prepared for a program that never asked for them."),
    "refused": counter("tool_sandboxes_refused", "Sandboxes that programs did not get."),
    "waited_s": counter("tool_wait_seconds", "That programs waited for sandboxes."),
}
"""Of ``ToolHost.snapshot``."""
DERIVED = {"prepare_s", "overlapped_share"}
"""Of ``ToolHost.snapshot``: told by the histogram; to be computed by whoever asks, from ``HIDDEN`` and its sum."""
HIDDEN = counter("tool_hidden_seconds", "Of the time that preparations took: while no program waited for them.")
PREPARE = histogram("tool_prepare_seconds", "That preparations of sandboxes took which programs are done with, retries included.")
FAMILIES = (*READ.values(), HIDDEN, PREPARE)

PREPARE_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""From a folder of a local process over a container to images of some GB, and several attempts (300 s each)."""


class SandboxMetrics(Collector):
    """Reads the host when somebody asks. O(1)."""

    def __init__(self, tools: ToolHost) -> None:
        self._tools = tools
        self._prepare = Histogram(PREPARE, PREPARE_S)

    def put(self, sandbox: SandboxProfile) -> None:
        """A program is done with one more."""
        if sandbox.prepare_s > 0:  # else it was there already, or never became ready
            self._prepare.put(sandbox.prepare_s)

    def collect(self) -> Iterator[Metric]:
        snapshot = self._tools.snapshot()
        for key, family in READ.items():
            yield family.of(snapshot[key])
        yield HIDDEN.of(self._tools.totals.hidden_s)
        yield self._prepare.metric()
