"""When turns are held back: a trainer says so, or engines have been stopped.

An engine that is stopped (paused, asleep) would let its turns wait. So it gets no new ones, and its programs go elsewhere with
their next; but where every engine is stopped, as for a weight sync, turns wait here in their order until one goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Set

from thunderagent.adapters.gateway.fleet import Fleet
from thunderagent.runtime import Runtime


class Holds:
    """All methods are to be called from one event loop."""

    def __init__(self, runtime: Runtime, fleet: Fleet, engine_of: Callable[[str], str]) -> None:
        """``engine_of``: the URL of a backend's engine."""
        self._runtime, self._fleet, self._engine_of = runtime, fleet, engine_of
        self._stopped: dict[str, set[str]] = {}
        self._told = False

    def begin(self) -> None:
        """A trainer says that no turn is to start. A second time changes nothing."""
        self._told = True
        self._runtime.begin_weight_sync()

    def end(self, *, kv_lost: bool) -> None:
        """A trainer says that turns may start. While every engine is stopped they are held all the same.

        ``kv_lost``: KV computed before is not used any more.
        """
        self._told = False
        if not self._all_stopped(self._stopped_backends()):
            self._runtime.end_weight_sync(kv_lost=kv_lost)
        elif kv_lost:
            for backend in self._fleet.ids:
                self._runtime.lose_cache(backend)

    def stop(self, url: str, causes: Set[str]) -> None:
        """An engine was stopped, for each of these causes."""
        if causes:
            self._stopped.setdefault(url, set()).update(causes)
            self._settle()

    def go_on(self, url: str, causes: Set[str]) -> None:
        """These causes are over; without any left it goes on."""
        stopped = self._stopped.get(url)
        if stopped is not None:
            stopped -= causes
            if not stopped:
                del self._stopped[url]
            self._settle()

    def forget(self, url: str) -> None:
        """An engine has left: should it come back, it does so as one that runs."""
        if self._stopped.pop(url, None) is not None:
            self._settle()

    def joined(self) -> None:
        """Another backend is there."""
        if self._stopped:
            self._settle()

    def _settle(self) -> None:
        """Turns are held before stopped engines become usable, and start only after stopped engines are unusable."""
        stopped = self._stopped_backends()
        all_stopped = self._all_stopped(stopped)
        syncing = self._runtime.scheduler.syncing  # not for ever: it gives up a trainer who never says that it is over
        self._told = self._told and syncing
        held = self._told or all_stopped
        if held and not syncing:
            self._runtime.begin_weight_sync()
        self._fleet.pause(stopped, usable=all_stopped)
        if syncing and not held:
            self._runtime.end_weight_sync()

    def _stopped_backends(self) -> set[str]:
        return {backend for backend in self._fleet.ids if self._engine_of(backend) in self._stopped}

    def _all_stopped(self, stopped: Set[str]) -> bool:
        return bool(stopped) and len(stopped) == len(self._fleet.ids)
