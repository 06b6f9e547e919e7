"""A dashboard for Grafana, made of what ``GET /metrics`` shows. ``thunderagent grafana-dashboard`` prints it."""

from thunderagent.adapters.gateway.grafana.dashboard import dashboard

__all__ = ["dashboard"]
