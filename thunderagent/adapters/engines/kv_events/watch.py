"""Follows the KV cache events of all engines, and tells how much of each program's KV they still have."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import zmq.asyncio

from thunderagent.adapters.engines.kv_events.chains import Chains
from thunderagent.adapters.engines.kv_events.linking import EndedTurn, Linking
from thunderagent.adapters.engines.kv_events.ports import EventPorts
from thunderagent.adapters.engines.kv_events.subscriber import Subscriber
from thunderagent.adapters.engines.kv_events.wire import Cleared, decode
from thunderagent.errors import EngineProblem
from thunderagent.runtime import StepProfile

logger = logging.getLogger(__name__)

OnResident = Callable[[str, str, int | None], bool]
SILENT_TURNS = 20
"""Turns on an engine that has published nothing by then, which must be a mistake: even short ones fill a block in all."""


@dataclass(frozen=True, slots=True)
class LinkCounts:
    """Over all engines, since their start."""

    found: int
    """Turns whose blocks are known."""
    unknown: int
    """Turns of which nothing is known: several could have left the blocks, or none had."""
    blocks: int
    """That are known to be cached now."""


class KvEventWatch:
    """Told of backends (``joined``, ``left``) and of steps (``took_step``), on the loop that runs the turns."""

    def __init__(
        self,
        ports: EventPorts,
        *,
        on_resident: OnResident,
        on_cleared: Callable[[str], None],
        session_of: Callable[[str], str] = str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``on_resident(program, backend, tokens)`` tells whether the program is known; ``on_cleared(backend)``: all KV is gone.

        Args:
            session_of: the session that engines are told for a program.
            clock: that of the steps' times.
        """
        self._zeromq = zmq.asyncio.Context()
        self._ports, self._on_resident, self._on_cleared, self._clock = ports, on_resident, on_cleared, clock
        self._session_of = session_of
        self._caches: dict[str, _Cache] = {}

    def joined(self, backend_id: str) -> None:
        """An engine is up, or up still."""
        if backend_id not in self._caches:
            cache = self._caches[backend_id] = _Cache(backend_id, self._on_resident, self._on_cleared, self._clock)
            events, replay = self._ports.of(backend_id)
            cache.follow(
                Subscriber(self._zeromq, events, replay, on_batch=cache.take, on_gap=cache.forget_all, on_restart=cache.restarted)
            )

    def left(self, backend_id: str) -> None:
        """An engine has gone, with its KV."""
        cache = self._caches.pop(backend_id, None)
        if cache is not None:
            cache.stop()

    def took_step(self, step: StepProfile) -> None:
        """A step is over."""
        cache = self._caches.get(step.backend)
        if cache is not None and step.outcome == "completed":
            tokens = step.prompt_tokens + step.completion_tokens
            session = self._session_of(step.program_id)
            cache.ended(EndedTurn(step.program_id, session, tokens, step.arrived_at + step.pause_s, step.completed_at))

    def close(self) -> None:
        """Stop following."""
        for backend_id in list(self._caches):
            self.left(backend_id)
        self._zeromq.destroy(linger=0)

    @property
    def counts(self) -> LinkCounts:
        """How well turns are recognised."""
        caches = self._caches.values()
        return LinkCounts(
            sum(cache.linking.found for cache in caches),
            sum(cache.linking.unknown for cache in caches),
            sum(len(cache.chains) for cache in caches),
        )


class _Cache:
    """One KV cache."""

    def __init__(
        self, backend_id: str, on_resident: OnResident, on_cleared: Callable[[str], None], clock: Callable[[], float]
    ) -> None:
        self.chains = Chains()
        self.linking = Linking(self.chains)
        self._id, self._on_resident, self._on_cleared, self._clock = backend_id, on_resident, on_cleared, clock
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._endpoint = ""
        self._heard = False
        """Whether a batch has come by itself."""
        self._silent_turns: int | None = 0
        """That have ended; None: the engine is not silent, or that was said."""

    def follow(self, subscriber: Subscriber) -> None:
        self._endpoint = subscriber.endpoint
        self._task = asyncio.get_running_loop().create_task(subscriber.run(), name=f"thunderagent-kv-events {self._id}")

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._timer is not None:
            self._timer.cancel()

    # The engine's word

    def take(self, payload: bytes, replayed: bool) -> None:
        """A batch. Nobody knows when an old one was made: it tells what is there, but not whose it is."""
        self._silent_turns = None
        try:
            events = decode(payload)
        except EngineProblem as problem:
            logger.warning("engine %s: %s; nothing is known of its KV cache", self._id, problem)
            self.forget_all()
            return
        now = self._clock()
        if replayed:
            self.linking.live_since_s, now = now, -math.inf
        self._heard = self._heard or not replayed
        for event in events:
            if isinstance(event, Cleared) and self._heard:  # else it was before anybody cared
                self._on_cleared(self._id)
            self.chains.take(event, now)
        self._settle()

    def forget_all(self) -> None:
        """Events were lost."""
        self.linking.live_since_s = self._clock()
        programs = self.chains.programs
        self.chains.clear()
        for program in programs:
            self._on_resident(program, self._id, None)

    def restarted(self) -> None:
        """Another process answers, with an empty cache."""
        self.chains.clear()
        self._on_cleared(self._id)

    # Turns

    def ended(self, turn: EndedTurn) -> None:
        """A turn has left KV here."""
        self.linking.put(turn)
        self._settle()
        if self._timer is None:
            self._set_timer()
        if self._silent_turns is not None:
            self._silent_turns += 1
            if self._silent_turns == SILENT_TURNS:
                logger.warning(
                    "engine %s publishes no KV cache events at %s: check its --kv-events-config", self._id, self._endpoint
                )

    def _set_timer(self) -> None:
        due_s = self.linking.due_s
        if due_s is not None:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, due_s - self._clock()), self._timer_fired)

    def _timer_fired(self) -> None:
        self._timer = None
        self._settle()
        self._set_timer()

    def _settle(self) -> None:
        """Tell of what was found and what was lost."""
        news = self.linking.settle(self._clock()) | self.chains.losses
        self.chains.losses.clear()
        for program, tokens in news.items():
            if not self._on_resident(program, self._id, tokens):
                self.chains.forget(program)
