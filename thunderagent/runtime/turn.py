"""One turn, as the code that runs it sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Protocol, TypeVar

from thunderagent.core import FirstToken, Progress, TurnArrived, Usage
from thunderagent.errors import BackendLost, TurnRefused

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EngineTiming:
    """Where an engine says that a turn's time went, in seconds."""

    queue_s: float
    prefill_s: float
    decode_s: float


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a turn may be held back, and by how many others. None: no bound."""

    max_wait_s: float | None = None
    """Then it is refused (``wait_timeout``)."""
    max_waiting: int | None = None
    """If it would have to wait and more than so many wait then, it is refused at once (``queue_full``)."""


ENDLESS = Patience()


class Host(Protocol):
    """What a turn asks of its runtime."""

    def now(self) -> float: ...
    def report(self, event: FirstToken | Progress) -> None: ...
    def enter(self, turn: Turn) -> bool: ...
    async def wait(self, turn: Turn) -> None: ...
    def end_try(self, turn: Turn, *, elsewhere: bool) -> None: ...
    async def enter_again(self, turn: Turn) -> None: ...
    def leave(self, turn: Turn, outcome: str) -> None: ...


class Turn:
    """Made by ``Runtime.turn``. ``async with`` waits for admission; inside it says where to send the turn, and is told of it.

    Leaving the block ends the turn in any way: after ``finish`` as completed, by cancellation as cancelled, else as failed.
    """

    __slots__ = (
        "_host",
        "admitted_s",
        "arrival",
        "arrived_s",
        "backend",
        "first_token_s",
        "lost",
        "on_lost",
        "patience",
        "priority",
        "refusal",
        "timing",
        "tool",
        "usage",
        "waited_s",
        "waiter",
        "waits_since_s",
    )

    def __init__(self, arrival: TurnArrived, host: Host, patience: Patience) -> None:
        self.arrival = arrival
        self.patience = patience
        self.backend = ""
        """The id of the backend that this turn was admitted to."""
        self.priority: int | None = None
        """For the engine's queue, lower first; None: the scheduler gave none."""
        self.arrived_s = self.waits_since_s = host.now()
        self.waited_s = 0.0
        """Held back by the scheduler, over all tries."""
        self.admitted_s: float | None = None
        """None while it waits."""
        self.first_token_s: float | None = None
        self.usage: Usage | None = None
        self.timing: EngineTiming | None = None
        self.tool = ""
        self.lost = False
        self.refusal: TurnRefused | None = None
        self.waiter: asyncio.Future[None] | None = None
        self.on_lost: Callable[[], object] | None = None
        """Called when its backend has left while it ran."""
        self._host = host

    async def __aenter__(self) -> Turn:
        try:
            if not self._host.enter(self):
                await self._host.wait(self)
        except BaseException as error:
            self._host.leave(self, _outcome(type(error), self))
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._host.leave(self, _outcome(kind, self))

    @property
    def program_id(self) -> str:
        """Of the program that it belongs to."""
        return self.arrival.program_id

    def first_token(self) -> None:
        """The prefill of a streamed turn is over."""
        self.first_token_s = self._host.now()
        self._host.report(FirstToken(self.arrival.turn_id))

    def progress(self, completion_tokens: int) -> None:
        """A streamed turn is at this many generated tokens."""
        self._host.report(Progress(self.arrival.turn_id, completion_tokens))

    def finish(self, usage: Usage, timing: EngineTiming | None = None, tool: str = "") -> None:
        """Report the engine's exact counts; without this call the turn counts as failed.

        ``tool``: the one that the answer calls, if known.
        """
        if timing is not None and usage.prefill_s is None:
            usage = replace(usage, prefill_s=timing.prefill_s)
        self.usage, self.timing, self.tool = usage, timing, tool

    def failed(self, *, elsewhere: bool = False) -> None:
        """The try on this backend failed, and ``again`` may follow later: meanwhile the turn keeps its program nowhere.

        ``elsewhere``: the next try goes to another backend, if there is one and it need not wait for that alone.
        """
        self._host.end_try(self, elsewhere=elsewhere)

    async def again(self) -> None:
        """The try on this backend failed (or the backend was lost): be admitted anew, there or elsewhere. It stays one turn.

        Raises:
            TurnRefused: the scheduler will not run it any more.
        """
        await self._host.enter_again(self)

    async def run(self, work: Awaitable[T]) -> T:
        """Await the engine's answer, but not past the death of the backend.

        Raises:
            BackendLost: the backend left; ``work`` has been cancelled.
        """
        task = asyncio.ensure_future(work)
        self.on_lost = task.cancel
        try:
            return await task
        except asyncio.CancelledError:
            if self.lost:
                raise BackendLost(self.program_id, self.backend) from None
            raise
        finally:
            self.on_lost = None

    # Called by the runtime

    def rearm(self, arrival: TurnArrived) -> None:
        """Another try begins."""
        self.arrival = arrival
        self.waits_since_s = self._host.now()
        self.lost, self.refusal, self.first_token_s, self.backend, self.priority = False, None, None, "", None

    def admit_to(self, backend_id: str, now: float, priority: int | None = None) -> None:
        """It may start."""
        self.backend, self.priority = backend_id, priority
        self.admitted_s = now
        self.waited_s += now - self.waits_since_s
        self.refusal = None
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    def refuse(self, refusal: TurnRefused) -> None:
        """It will not be run."""
        self.refusal = refusal
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    def lose_backend(self) -> None:
        """Whatever runs for this turn is ended."""
        self.lost = True
        if self.on_lost is not None:
            self.on_lost()


def _outcome(kind: type[BaseException] | None, turn: Turn) -> str:
    if kind is None:
        return "completed" if turn.usage is not None else "failed"
    if issubclass(kind, asyncio.CancelledError):
        return "cancelled"
    if issubclass(kind, TurnRefused):
        return "refused"
    return "lost" if issubclass(kind, BackendLost) else "failed"
