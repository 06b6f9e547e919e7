"""Management of a running gateway: programs, engines, metrics, profiles, weight syncs."""

from thunderagent.adapters.gateway.manage.app import ENDPOINTS, FOR_CLIENTS, management, serves
from thunderagent.adapters.gateway.manage.health import unready
from thunderagent.adapters.gateway.manage.http_counts import HttpCounts
from thunderagent.adapters.gateway.manage.managed import Managed, Worker, Workers
from thunderagent.adapters.gateway.manage.profile_store import ProfileStore
from thunderagent.adapters.gateway.manage.waits import Waits

__all__ = [
    "ENDPOINTS",
    "FOR_CLIENTS",
    "HttpCounts",
    "Managed",
    "ProfileStore",
    "Waits",
    "Worker",
    "Workers",
    "management",
    "serves",
    "unready",
]
