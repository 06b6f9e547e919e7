"""Who waits, how long, and who does not get through."""

from __future__ import annotations

from thunderagent.adapters.gateway.grafana.panel import heatmap, lines, spread
from thunderagent.adapters.gateway.grafana.promql import now, rate

PANELS = (
    lines("Waiting turns", "Held back by the scheduler.", "short", (now("waiting_turns"), "waiting")),
    spread("Wait", "Of turns, before they were sent to an engine.", "s", "turn_wait_seconds"),
    heatmap("Waits", "The same, all of them.", "s", "turn_wait_seconds"),
    lines(
        "Turns",
        "That arrived, were sent to an engine, had to wait.",
        "suffix:/s",
        (rate("turns"), "arrived"),
        (rate("turns_admitted"), "admitted"),
        (rate("turns_parked"), "parked"),
    ),
    lines(
        "Turns that were not run to their end",
        "Refused by the scheduler, left by their client, or their engine was lost.",
        "suffix:/s",
        (rate("turns_refused"), "refused"),
        (rate("turns_cancelled"), "cancelled"),
        (rate("turns_aborted"), "engine lost"),
    ),
    lines(
        "Programs",
        "Tracked; of these, those whose KV cache is counted on an engine: with a running turn, or in a tool call.",
        "short",
        (now("programs"), "tracked"),
        (now("resident_programs"), "resident"),
        (now("backend_reasoning_programs"), "with a running turn"),
        (now("backend_acting_programs"), "in a tool call"),
    ),
    lines(
        "Ends of programs",
        "Released by their client, idle for too long, or forgotten because there were too many.",
        "suffix:/s",
        (rate("programs_released"), "released"),
        (rate("programs_expired"), "expired"),
        (rate("programs_evicted"), "forgotten"),
    ),
    lines(
        "Admitted by force",
        "Programs that had waited too long for room.",
        "suffix:/s",
        (rate("programs_forced"), "forced"),
    ),
)
