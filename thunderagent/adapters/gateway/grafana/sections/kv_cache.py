"""Whose KV is where, and whether it is still there when it is needed."""

from __future__ import annotations

from thunderagent.adapters.gateway.grafana.panel import BACKEND, TOKENS_PER_S, lines
from thunderagent.adapters.gateway.grafana.promql import now, rate, share

_COMMITTED = share(now("backend_committed_tokens", "backend"), now("backend_capacity_tokens", "backend"))

PANELS = (
    lines(
        "Committed",
        "What the programs on each KV cache need, as a share of its capacity: the mean, the fullest, and each.",
        "percentunit",
        (f"avg({_COMMITTED})", "mean"),
        (f"max({_COMMITTED})", "fullest"),
        (_COMMITTED, BACKEND),
    ),
    lines(
        "Hit rate",
        "Cached prompt tokens / prompt tokens: of turns, and as each engine counts.",
        "percentunit",
        (share(rate("cached_tokens"), rate("prompt_tokens")), "turns"),
        (share(rate("engine_prefix_hit_tokens", "backend"), rate("engine_prefix_queried_tokens", "backend")), BACKEND),
    ),
    lines(
        "Computed again",
        "Prompt tokens that a turn of the same program had left in a cache before: what thrashing costs.",
        TOKENS_PER_S,
        (rate("reprefilled_tokens"), "computed again"),
    ),
    lines(
        "Used, as engines tell",
        "Share of the KV cache that running requests hold.",
        "percentunit",
        (now("engine_kv_usage_ratio", "backend", of="max"), BACKEND),
    ),
    lines(
        "Given up",
        "Times that a program gave up its KV cache; of these, while a slow tool ran.",
        "suffix:/s",
        (rate("program_pauses"), "all"),
        (rate("program_pauses_lent"), "lent"),
    ),
    lines(
        "Capacity",
        "In each engine's memory, and in host memory.",
        "suffix: tok",
        (now("backend_capacity_tokens", "backend", of="max"), BACKEND),
        (now("engine_host_capacity_tokens", "backend", of="max"), BACKEND + " host"),
    ),
    lines(
        "Correction of the capacity",
        "Below 1: held KV was evicted all the same, and less is counted with.",
        "percentunit",
        (now("backend_capacity_fit_ratio", "backend", of="min"), BACKEND),
    ),
)
