"""What the gateway knows of each backend beside the scheduler: breaker, requests in flight, draining, pauses, counts.

A backend may get turns only if neither its breaker nor a drain nor a pause speaks against it; the scheduler is told when that
changes. Then its programs go elsewhere with their next turn or try. An open breaker is probed when due, by one task per backend.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Awaitable, Callable, Set
from dataclasses import dataclass, field
from typing import Protocol

from thunderagent.adapters.gateway.breaker import Breaker, BreakerState
from thunderagent.adapters.gateway.settings import GatewaySettings

logger = logging.getLogger(__name__)

NOBODY = -1
"""Epoch of a request to a backend that is not known."""
TOLD_NOTHING = frozenset({408, 429})
"""Answers of an engine that lives and has too much to do: neither a success nor a failure."""


class HealthSink(Protocol):
    """The runtime, as far as it is needed here."""

    def set_health(self, backend_id: str, *, healthy: bool) -> None:
        """Whether new turns may go there."""
        ...


class Probe(Protocol):
    """Asks a backend whether it is alive."""

    def __call__(self, backend_id: str, *, generation: bool) -> Awaitable[bool]:
        """``generation``: whether it also has to generate, as it had answered, but with failures."""
        ...


@dataclass(frozen=True, slots=True)
class BackendView:
    """A backend as management and metrics see it."""

    id: str
    breaker: BreakerState
    failures_in_a_row: int
    probe_in_s: float | None
    """Until the next probe; None: none is planned."""
    draining: bool
    paused: bool
    """Whether its engine was stopped."""
    in_flight: int
    """Requests that are there now."""
    requests: int
    """Sent since it joined, retries included."""
    retries: int
    failures: int
    opened: int
    """How often its breaker has opened."""


@dataclass(slots=True, eq=False)
class _Member:
    id: str
    breaker: Breaker
    first_epoch: int
    in_flight: int = 0
    requests: int = 0
    retries: int = 0
    failures: int = 0
    draining: bool = False
    paused: bool = False
    told_healthy: bool = True
    reviver: asyncio.Task[None] | None = None
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a drain has nothing left to wait for."""


class Fleet:
    """All methods are to be called from one event loop; ``took`` and ``ended`` cost O(1)."""

    def __init__(
        self,
        settings: GatewaySettings,
        scheduler: HealthSink,
        probe: Probe,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._settings, self._scheduler, self._probe = settings, scheduler, probe
        self._clock, self._sleep = clock, sleep
        self._members: dict[str, _Member] = {}
        self._epochs = itertools.count()  # of all backends: a request of one that left means nothing to one that has its id
        self._paused_are_usable = False
        self.in_flight = 0
        """Requests in engines now, those in engines that have left included."""

    # Backends come and go

    def joined(self, backend_id: str) -> None:
        """A backend is there, with a fresh breaker; nothing happens if it is known."""
        if backend_id not in self._members:
            breaker = Breaker(self._settings.breaker_failures, self._settings.breaker_open_s, epochs=self._epochs)
            self._members[backend_id] = _Member(backend_id, breaker, breaker.epoch)

    def left(self, backend_id: str) -> None:
        """A backend died or was taken away; whoever waits for its drain goes on."""
        member = self._members.pop(backend_id, None)
        if member is not None:
            member.idle.set()
            if member.reviver is not None:
                member.reviver.cancel()

    def close(self) -> None:
        """No more probes."""
        for backend_id in list(self._members):
            self.left(backend_id)

    # Requests

    def took(self, backend_id: str, *, retry: bool = False) -> int:
        """A request is sent there. What is given back belongs to ``ended``."""
        self.in_flight += 1
        member = self._members.get(backend_id)
        if member is None:
            return NOBODY
        member.in_flight += 1
        member.requests += 1
        member.retries += retry
        return member.breaker.epoch

    def ended(self, backend_id: str, ok: bool | None, epoch: int, *, answered: bool = True) -> None:
        """A request is over, however.

        ``ok``: whether the backend did well (``verdict``); None: it says nothing, as its client has left. ``answered``: whether
        the backend answered at all; one that failed with answers has to show that it generates before it gets turns again.
        """
        self.in_flight -= 1
        member = self._members.get(backend_id)
        if member is None or epoch < member.first_epoch:
            return
        member.in_flight -= 1
        if member.draining and not member.in_flight:
            member.idle.set()
        if ok:
            member.breaker.succeeded(epoch)
        elif ok is not None:
            member.failures += 1
            if member.breaker.failed(self._clock(), epoch):
                logger.warning(
                    "engine %s failed %d times in a row: it gets no turns until it answers a probe",
                    backend_id,
                    member.breaker.in_a_row,
                )
                self._tell(member)
                member.reviver = asyncio.create_task(self._revive(member, generation=answered), name="thunderagent-probe")

    # Draining

    def drain(self, backend_id: str) -> None:
        """No new turns; those that are there go on."""
        member = self._members.get(backend_id)
        if member is not None and not member.draining:
            member.draining = True
            if not member.in_flight:
                member.idle.set()
            self._tell(member)

    def undrain(self, backend_id: str) -> None:
        """It is not to go after all."""
        member = self._members.get(backend_id)
        if member is not None and member.draining:
            member.draining = False
            member.idle.clear()
            self._tell(member)

    def pause(self, backend_ids: Set[str], *, usable: bool) -> None:
        """The backends whose engines are stopped, all of them: no new turns, unless they are ``usable`` all the same."""
        self._paused_are_usable = usable
        for member in self._members.values():
            member.paused = member.id in backend_ids
            self._tell(member)

    async def until_idle(self, backend_id: str) -> None:
        """Wait until a draining backend has no request left, or is gone."""
        member = self._members.get(backend_id)
        if member is not None:
            await member.idle.wait()

    # Views

    @property
    def ids(self) -> list[str]:
        """Of all backends, in order of joining."""
        return list(self._members)

    def view(self, backend_id: str) -> BackendView | None:
        """One backend; None: it is not there."""
        member = self._members.get(backend_id)
        if member is None:
            return None
        breaker = member.breaker
        return BackendView(
            member.id,
            breaker.state,
            breaker.in_a_row,
            max(0.0, breaker.probe_at_s - self._clock()) if breaker.state is BreakerState.OPEN else None,
            member.draining,
            member.paused,
            member.in_flight,
            member.requests,
            member.retries,
            member.failures,
            breaker.opened,
        )

    def views(self) -> list[BackendView]:
        """All backends, in order of joining."""
        return [view for view in map(self.view, self._members) if view is not None]

    # Health

    def _tell(self, member: _Member) -> None:
        stopped = member.draining or (member.paused and not self._paused_are_usable)
        healthy = member.breaker.state is BreakerState.CLOSED and not stopped
        if healthy != member.told_healthy:
            member.told_healthy = healthy
            self._scheduler.set_health(member.id, healthy=healthy)

    async def _revive(self, member: _Member, *, generation: bool) -> None:
        """Probe until it is alive; ends when the backend leaves."""
        breaker = member.breaker
        while breaker.state is not BreakerState.CLOSED:
            await self._sleep(max(0.0, breaker.probe_at_s - self._clock()))
            if breaker.begin_probe(self._clock()):
                breaker.probed(self._clock(), alive=await self._alive(member.id, generation))
        logger.warning("engine %s answers again", member.id)
        self._tell(member)

    async def _alive(self, backend_id: str, generation: bool) -> bool:
        try:
            return await self._probe(backend_id, generation=generation)
        except Exception as error:  # whatever it is, nobody has shown that the engine works
            logger.info("probe of engine %s failed: %r", backend_id, error)
            return False


def verdict(status: int | None) -> bool | None:
    """What an answer's status says of the engine, for ``Fleet.ended``; ``status`` None: there was no answer."""
    if status is None or status >= 500:
        return False
    return None if status in TOLD_NOTHING else True
