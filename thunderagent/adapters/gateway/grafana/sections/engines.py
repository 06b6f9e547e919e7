"""Each engine: whether it can be used, what it is at, and how well it does."""

from __future__ import annotations

from thunderagent.adapters.gateway.grafana.panel import BACKEND, ENGINE, TOKENS_PER_S, lines, states, table
from thunderagent.adapters.gateway.grafana.promql import now, rate

PANELS = (
    table("What they are", "Engines and their kinds.", now("engine_info", "engine, kind", of="max")),
    states("Up", "Whether each engine answers.", (now("engine_up", "engine", of="min"), ENGINE)),
    states(
        "Usable",
        "Whether turns may be sent to each KV cache; an engine that is about to leave gets none.",
        (now("backend_usable", "backend", of="min"), BACKEND),
        (now("engine_draining", "engine", of="max"), ENGINE + " leaving"),
    ),
    lines("Requests at engines", "Of the gateway.", "short", (now("engine_open_requests", "engine"), ENGINE)),
    lines(
        "Requests in engines, as they tell",
        "Running, and waiting in the engine's own queue.",
        "short",
        (now("engine_running_requests", "backend", of="max"), BACKEND + " running"),
        (now("engine_waiting_requests", "backend", of="max"), BACKEND + " waiting"),
    ),
    lines(
        "Programs",
        "On each KV cache: with a running turn, and between turns.",
        "short",
        (now("backend_reasoning_programs", "backend"), BACKEND + " running"),
        (now("backend_acting_programs", "backend"), BACKEND + " in a tool call"),
    ),
    lines(
        "Preemptions",
        "Requests that an engine took back for want of memory.",
        "suffix:/s",
        (rate("engine_preemptions", "backend"), BACKEND),
    ),
    lines("Prefill", "Measured speed.", TOKENS_PER_S, (now("backend_prefill_tokens_per_second", "backend", of="max"), BACKEND)),
    lines("Requests", "Sent to each engine, retries included.", "suffix:/s", (rate("engine_requests", "engine"), ENGINE)),
    lines(
        "Failures",
        "Requests that failed, requests that were sent again, and times that an engine was taken out of rotation.",
        "suffix:/s",
        (rate("engine_failures", "engine"), ENGINE + " failed"),
        (rate("engine_retries", "engine"), ENGINE + " sent again"),
        (rate("engine_breaker_openings", "engine"), ENGINE + " taken out"),
    ),
)
