"""All metrics of a gateway: what each is (``FAMILIES``), and the collectors that read them."""

from __future__ import annotations

from thunderagent.adapters.gateway.manage.metrics import engines, http, process, sandboxes, scheduler, turns
from thunderagent.adapters.gateway.manage.metrics.engines import EngineMetrics
from thunderagent.adapters.gateway.manage.metrics.family import Family, Kind
from thunderagent.adapters.gateway.manage.metrics.http import HttpCounts
from thunderagent.adapters.gateway.manage.metrics.sandboxes import SandboxMetrics
from thunderagent.adapters.gateway.manage.metrics.scheduler import SchedulerMetrics
from thunderagent.adapters.gateway.manage.metrics.turns import TurnHistograms

FAMILIES: tuple[Family, ...] = tuple(
    family for module in (scheduler, turns, engines, sandboxes, http, process) for family in module.FAMILIES
)
"""Everything that ``GET /metrics`` can show."""

__all__ = [
    "FAMILIES",
    "EngineMetrics",
    "Family",
    "HttpCounts",
    "Kind",
    "SandboxMetrics",
    "SchedulerMetrics",
    "TurnHistograms",
]
