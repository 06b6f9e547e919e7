"""One turn, as the code that runs it sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from thunderagent.core import Event, FirstToken, Progress, TurnArrived, Usage
from thunderagent.errors import BackendLost

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EngineTiming:
    """Where an engine says that a turn's time went, in seconds."""

    queue_s: float
    prefill_s: float
    decode_s: float


class Turn:
    """An admitted turn: where to send it, and what to report of it. Made by ``Runtime.turn``."""

    def __init__(self, arrival: TurnArrived, clock: Callable[[], float], report: Callable[[Event], None]) -> None:
        self.program_id = arrival.program_id
        self.turn_id = arrival.turn_id
        self.prompt_tokens = arrival.prompt_tokens or 0
        """0 where only the text is known."""
        self.group = arrival.group
        self.phase = arrival.phase
        self.arrived_s = clock()
        self.admitted_s: float | None = None
        self.first_token_s: float | None = None
        self.usage: Usage | None = None
        self.timing: EngineTiming | None = None
        self.tool = ""
        self.lost = False
        self._clock, self._report = clock, report
        self._backend_id = ""
        self._running: asyncio.Future[Any] | None = None

    @property
    def backend(self) -> str:
        """The id of the backend that this turn was admitted to."""
        return self._backend_id

    def first_token(self) -> None:
        """The prefill of a streamed turn is over."""
        self.first_token_s = self._clock()
        self._report(FirstToken(self.turn_id))

    def progress(self, completion_tokens: int) -> None:
        """A streamed turn is at this many generated tokens."""
        self._report(Progress(self.turn_id, completion_tokens))

    def finish(self, usage: Usage, timing: EngineTiming | None = None, tool: str = "") -> None:
        """Report the engine's exact counts; without this call the turn counts as failed.

        ``tool``: the one that the answer calls, if known.
        """
        if timing is not None and usage.prefill_s is None:
            usage = replace(usage, prefill_s=timing.prefill_s)
        self.usage, self.timing, self.tool = usage, timing, tool

    async def run(self, work: Awaitable[T]) -> T:
        """Await the engine's answer, but not past the death of the backend.

        Raises:
            BackendLost: the backend left; ``work`` has been cancelled.
        """
        self._running = task = asyncio.ensure_future(work)
        try:
            return await task
        except asyncio.CancelledError:
            if self.lost:
                raise BackendLost(self.program_id, self._backend_id) from None
            raise
        finally:
            self._running = None

    def admit_to(self, backend_id: str, now: float) -> None:
        """Called by the runtime."""
        self._backend_id = backend_id
        self.admitted_s = now

    def lose_backend(self) -> None:
        """Called by the runtime: whatever runs for this turn is ended."""
        self.lost = True
        if self._running is not None:
            self._running.cancel()
