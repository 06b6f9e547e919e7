"""The dashboard's sections, each a module: its panels from left to right, line by line."""

from __future__ import annotations

from thunderagent.adapters.gateway.grafana.panel import Panel
from thunderagent.adapters.gateway.grafana.sections import engines, http, kv_cache, process, throughput, tools, waiting

SECTIONS: dict[str, tuple[Panel, ...]] = {
    "Throughput": throughput.PANELS,
    "KV cache": kv_cache.PANELS,
    "Waiting": waiting.PANELS,
    "Tools": tools.PANELS,
    "Engines": engines.PANELS,
    "HTTP": http.PANELS,
    "Gateway process": process.PANELS,
}

_ORDINARY = "of every process; `process_cpu_seconds` and `process_resident_memory_bytes` are shown"
LEFT_OUT = {
    "thunderagent_engine_breaker": "its openings and whether turns may be sent to an engine are shown",
    "thunderagent_scheduler_connected": "0 is told by a gateway that has lost its scheduler, of itself alone; turns that pass "
    "through are shown",
    "process_virtual_memory_bytes": _ORDINARY,
    "process_start_time_seconds": _ORDINARY,
    "process_open_fds": _ORDINARY,
    "process_max_fds": _ORDINARY,
}
"""Metrics that no panel shows, and why."""

__all__ = ["LEFT_OUT", "SECTIONS"]
