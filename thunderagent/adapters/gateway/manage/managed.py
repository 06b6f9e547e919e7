"""What the management endpoints need of the gateway."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from prometheus_client.registry import Collector

from thunderagent.adapters.gateway.manage.loads import Load
from thunderagent.adapters.gateway.manage.profile_store import ProfileStore
from thunderagent.runtime import Runtime
from thunderagent.runtime.tools import ToolHost


@dataclass(frozen=True, slots=True)
class Worker:
    """One engine, as the gateway sees it."""

    url: str
    """Its base URL."""
    backends: tuple[str, ...] = ()
    """Ids of its backends that are up: its URL, or one for each of its ranks."""
    healthy: bool = True
    paused: bool = False
    """It was stopped through the gateway (``/pause``, ``/sleep`` and their kind)."""
    draining: bool = False
    """It gets no new turns and leaves when those that run have ended."""
    capacity_tokens: int | None = None
    """KV capacity; None: not known."""
    in_flight: int = 0
    """Requests that it is at now."""
    breaker: str = "closed"
    """``closed`` (it gets requests), ``open`` (it gets none) or ``half_open`` (it is being probed)."""
    last_problem: str | None = None
    """In words, without anything of a request."""
    requests: int = 0
    """Sent there since it joined, retries included."""
    retries: int = 0
    """Of these: sent again after a failure."""
    failures: int = 0
    breaker_openings: int = 0
    probe_in_s: float | None = None
    """Until an open breaker is probed; None: no probe is planned."""
    kind: str | None = None
    """``vllm``, ``sglang`` or ``skyrl``; None: not known yet."""
    loads: Mapping[str, Load] = field(default_factory=dict)
    """What its backends told last, by their ids."""


class Workers(Protocol):
    """The engines; those that are gone are not listed."""

    def list(self) -> Sequence[Worker]:
        """All of them, in the order in which they came."""
        ...

    async def add(self, url: str) -> None:
        """Take an engine in, or let one that is draining stay. Idempotent.

        Raises:
            RequestProblem: it cannot be used.
        """
        ...

    async def drain(self, url: str) -> None:
        """Send an engine no new turns, move its programs, let it go when its turns have ended. Returns at once; idempotent."""
        ...

    async def remove(self, url: str) -> None:
        """Let an engine go now; its turns are sent again elsewhere where that is possible. Idempotent."""
        ...


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
    def tools(self) -> ToolHost | None:
        """None: programs get no sandboxes here."""
        ...

    @property
    def collectors(self) -> Iterable[Collector]:
        """More for ``GET /metrics``: what the gateway counts of HTTP, turns and sandboxes. Asked for once."""
        ...

    def begin_weight_sync(self) -> None:
        """Hold every turn back that arrives from now on."""
        ...

    def end_weight_sync(self, *, kv_lost: bool) -> None:
        """Let turns start again. ``kv_lost``: KV computed with the old weights is not used any more."""
        ...

    def end_rollout(self) -> None:
        """Answer what waits as aborted: the rollout that it belongs to is over."""
        ...

    @property
    def draining(self) -> bool:
        """Whether the gateway is about to stop and takes no new requests."""
        ...

    @property
    def mode(self) -> str:
        """Name of the scheduling policy (``ThunderConfig.mode``)."""
        ...
