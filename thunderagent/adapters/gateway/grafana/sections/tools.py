"""Tool calls, and the sandboxes that they run in."""

from __future__ import annotations

from thunderagent.adapters.gateway.grafana.panel import heatmap, lines, spread
from thunderagent.adapters.gateway.grafana.promql import now, rate, share, spent

PANELS = (
    spread("Tool call", "From the end of a program's turn to the arrival of its next one.", "s", "tool_call_seconds"),
    heatmap("Tool calls", "The same, all of them.", "s", "tool_call_seconds"),
    lines(
        "Sandboxes",
        "That exist; being prepared, ready before they are asked for, kept for other programs.",
        "short",
        (now("tool_sandboxes"), "all"),
        (now("tool_sandboxes_preparing"), "preparing"),
        (now("tool_sandboxes_ready"), "ready"),
        (now("tool_sandboxes_idle"), "idle"),
        (now("tool_waiting_requests"), "requests that wait"),
    ),
    spread("Preparation of a sandbox", "Retries included.", "s", "tool_prepare_seconds"),
    lines(
        "Hidden preparation",
        "Share of the preparation that no program waited for.",
        "percentunit",
        (share(rate("tool_hidden_seconds"), spent("tool_prepare_seconds")), "hidden"),
    ),
    lines(
        "Waits for sandboxes",
        "Seconds of all programs per second: how many wait on average.",
        "short",
        (rate("tool_wait_seconds"), "waiting"),
    ),
    lines(
        "Sandboxes of programs",
        "That programs had, of these some that were there already; prepared in vain; not given.",
        "suffix:/s",
        (rate("tool_sandboxes_used"), "used"),
        (rate("tool_sandboxes_reused"), "reused"),
        (rate("tool_sandboxes_unused"), "unused"),
        (rate("tool_sandboxes_refused"), "refused"),
    ),
    lines(
        "Disk",
        "Of sandboxes beyond their images, and of images that were fetched for them.",
        "bytes",
        (now("tool_disk_bytes"), "sandboxes"),
        (now("tool_image_disk_bytes"), "images"),
        stacked=True,
    ),
)
