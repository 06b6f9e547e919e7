"""Management of a running gateway: programs, engines, metrics, profiles, weight syncs."""

from thunderagent.adapters.gateway.manage.app import ENDPOINTS, FOR_CLIENTS, management, serves
from thunderagent.adapters.gateway.manage.health import unready
from thunderagent.adapters.gateway.manage.managed import Managed, Worker, Workers
from thunderagent.adapters.gateway.manage.metrics import HttpCounts, SandboxMetrics, TurnHistograms
from thunderagent.adapters.gateway.manage.profile_store import ProfileStore

__all__ = [
    "ENDPOINTS",
    "FOR_CLIENTS",
    "HttpCounts",
    "Managed",
    "ProfileStore",
    "SandboxMetrics",
    "TurnHistograms",
    "Worker",
    "Workers",
    "management",
    "serves",
    "unready",
]
