"""docs/reference/metrics.md: everything that ``GET /metrics`` can show, from its registry."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.utils import floatToGoString

from scripts.pages.markdown import code, table
from thunderagent.adapters.gateway.manage.metrics import engines, http, process, sandboxes, scheduler, turns
from thunderagent.adapters.gateway.manage.metrics.family import Family, Kind

SECTIONS = (
    ("Scheduler", scheduler.FAMILIES),
    ("Turns", turns.FAMILIES),
    ("Engines, as the gateway sees them", (engines.INFO, engines.BREAKER, *(family for family, _ in engines.OF_WORKERS))),
    ("Engines, as they tell of themselves", tuple(family for family, _ in engines.OF_LOADS)),
    ("KV caches, in the scheduler's account", tuple(family for family, _ in engines.OF_BACKENDS)),
    ("Sandboxes", sandboxes.FAMILIES),
    ("HTTP", http.FAMILIES),
    ("The gateway's process", process.FAMILIES),
)
BUCKETS = {
    turns.WAIT: turns.WAIT_S,
    turns.FIRST_TOKEN: turns.FIRST_TOKEN_S,
    turns.WHOLE: turns.WHOLE_S,
    turns.TOOL_CALL: turns.TOOL_CALL_S,
    turns.PROMPT: turns.PROMPT_TOKENS,
    sandboxes.PREPARE: sandboxes.PREPARE_S,
}
UNITS = (
    ("tokens_per_second", "tokens/s"),
    ("start_time_seconds", "s since 1970"),
    ("seconds", "s"),
    ("bytes", "bytes"),
    ("tokens", "tokens"),
    ("ratio", "share"),
)
"""By how names end."""


def lines() -> list[str]:
    """A table for each part of the system, then the buckets of histograms."""
    return [*_tables(), "## Buckets of histograms", "", *_buckets()]


def _tables() -> Iterator[str]:
    for title, families in SECTIONS:
        yield from (f"## {title}", "")
        titles, rows = ("metric", "type", "unit", "labels", ""), [_row(family) for family in families]
        shown = [i for i in range(len(titles)) if any(row[i] for row in rows)]
        yield from table([titles[i] for i in shown], ([row[i] for i in shown] for row in rows))


def _row(family: Family) -> tuple[str, ...]:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    name = family.name if family.kind is Kind.HISTOGRAM else family.series[0]
    return code(name), family.kind.value, _unit(family), labels, family.text


def _unit(family: Family) -> str:
    return next((unit for ending, unit in UNITS if family.name.endswith(ending)), "")


def _buckets() -> list[str]:
    rows = ((code(family.name), ", ".join(map(floatToGoString, bounds)) + ", +Inf") for family, bounds in BUCKETS.items())
    return table(("histogram", "upper bounds"), rows)
