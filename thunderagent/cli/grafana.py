"""``thunderagent grafana-dashboard``."""

from __future__ import annotations

import json
import sys


def grafana_dashboard() -> None:
    """Print a dashboard for Grafana, over what GET /metrics of a gateway shows.

    In Grafana: Dashboards, New, Import; it asks for your Prometheus. What it shows is told in docs/seeing_prometheus.md.

    Example:

      thunderagent grafana-dashboard > thunderagent.json
    """
    from thunderagent.adapters.gateway.grafana import dashboard

    sys.stdout.write(json.dumps(dashboard(), indent=2) + "\n")
