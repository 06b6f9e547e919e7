"""``GET /metrics``: the scheduler and its engines in Prometheus' format. No label ever names a program."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response

from thunderagent.adapters.gateway.access import Need
from thunderagent.adapters.gateway.manage.endpoint import Endpoint
from thunderagent.adapters.gateway.manage.managed import Managed
from thunderagent.adapters.gateway.manage.metrics import EngineMetrics, SchedulerMetrics


def registry_of(gateway: Managed) -> CollectorRegistry:
    """All that ``GET /metrics`` shows: the scheduler, what the gateway adds, and this process."""
    registry = CollectorRegistry()
    for collector in (SchedulerMetrics(gateway), EngineMetrics(gateway), *gateway.collectors):
        registry.register(collector)
    ProcessCollector(registry=registry)
    return registry


async def metrics(gateway: Managed, request: Request) -> Response:
    """Prometheus' text format, or OpenMetrics for those who ask for it."""
    registry: CollectorRegistry = request.app.state.registry
    try:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
    except (TypeError, ValueError):  # prometheus_client 0.26 compares versions that are no numbers
        encode, content_type = choose_encoder("")
    return Response(encode(registry), headers={"content-type": content_type})


ENDPOINTS = (Endpoint("GET", "/metrics", Need.READ, metrics, "Metrics in Prometheus' format", {200: str}),)
