"""What the management endpoints need of the gateway."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from prometheus_client.registry import Collector

from thunderagent.adapters.gateway.manage.profile_store import ProfileStore
from thunderagent.adapters.gateway.workers import Workers
from thunderagent.runtime import Runtime


class Managed(Protocol):
    """A gateway, as its management endpoints see it."""

    @property
    def runtime(self) -> Runtime: ...

    @property
    def workers(self) -> Workers: ...

    @property
    def profiles(self) -> ProfileStore | None:
        """None: profiling is off."""
        ...

    @property
    def collectors(self) -> Iterable[Collector]:
        """More for ``GET /metrics``: what the gateway counts of HTTP, waits. Asked for once."""
        ...

    @property
    def draining(self) -> bool:
        """Whether the gateway is about to stop and takes no new requests."""
        ...

    @property
    def mode(self) -> str:
        """Name of the scheduling policy (``ThunderConfig.mode``)."""
        ...
