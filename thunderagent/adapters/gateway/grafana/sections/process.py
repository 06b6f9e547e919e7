"""The gateway itself."""

from __future__ import annotations

from thunderagent.adapters.gateway.grafana.panel import lines, states
from thunderagent.adapters.gateway.grafana.promql import now, rate

PANELS = (
    lines(
        "CPU",
        "Cores of the whole process, and of the scheduler in it.",
        "short",
        (rate("process_cpu_seconds"), "gateway"),
        (rate("scheduler_cpu_seconds"), "scheduler"),
    ),
    lines("Memory", "Resident.", "bytes", (now("process_resident_memory_bytes", "instance"), "{{instance}}")),
    states(
        "State",
        "Weight syncs hold all turns back; a gateway that drains is about to stop; a degraded one schedules no more.",
        (now("weight_sync", of="max"), "weight sync"),
        (now("draining", of="max"), "drains"),
        (now("degraded", of="max"), "degraded"),
    ),
    lines(
        "What should not be",
        "Turns that passed a lost scheduler by, and those that it found running afterwards; events of what is not known any "
        "more, impossible numbers, jumps of the clock, weight syncs that never ended.",
        "suffix:/s",
        (rate("turns_passed_through"), "unscheduled turns"),
        (rate("turns_adopted"), "adopted turns"),
        (rate("late_events"), "late events"),
        (rate("bad_values"), "bad values"),
        (rate("clock_corrections"), "clock"),
        (rate("weight_syncs_abandoned"), "weight syncs"),
    ),
)
