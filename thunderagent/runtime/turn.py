"""One turn, as the code that runs it sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, TypeVar

from thunderagent.core import Usage
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

    def __init__(
        self, program_id: str, turn_id: int, prompt_tokens: int, arrived_s: float, *, group: str = "", phase: str = ""
    ) -> None:
        self.program_id = program_id
        self.turn_id = turn_id
        self.prompt_tokens = prompt_tokens
        self.group = group
        self.phase = phase
        self.arrived_s = arrived_s
        self.admitted_s: float | None = None
        self.first_token_s: float | None = None
        self.usage: Usage | None = None
        self.timing: EngineTiming | None = None
        self.lost = False
        self._backend_id = ""
        self._running: asyncio.Future[Any] | None = None

    @property
    def backend(self) -> str:
        """The id of the backend that this turn was admitted to."""
        return self._backend_id

    def finish(self, usage: Usage, timing: EngineTiming | None = None) -> None:
        """Report the engine's exact counts; without this call the turn counts as failed."""
        self.usage = usage
        self.timing = timing

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
