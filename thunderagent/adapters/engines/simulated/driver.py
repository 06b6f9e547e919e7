"""Runs a simulated engine in wall time.

The engine has a virtual clock. A step of `d` simulated seconds ends `d / time_scale` wall seconds after it began, and
its tokens are handed out then. On a slow moment of the machine the driver falls behind and catches up by running steps
without waiting, so throughput stays faithful; an idle engine does not fall behind: its clock jumps to now.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from thunderagent.simulation import Finished, RequestRecord, SimulatedEngine, StepResult


class Phase(Enum):
    """Whether steps run and new requests get in."""

    RUNNING = "running"
    DRAINING = "draining"
    """Steps run, new requests are held back: the way to a pause that waits."""
    PAUSED = "paused"
    """No steps run; requests stay frozen where they are."""


@dataclass(slots=True, eq=False)
class Generation:
    """A request in the engine, as its HTTP handler sees it."""

    request_id: str
    prompt: Sequence[int]
    output: Sequence[int]
    salt: str
    done: asyncio.Future[RequestRecord | None]
    """The record, or None if it was aborted."""
    generated_tokens: int = 0
    """Tokens handed out; kept up to date while streaming, and at the end."""
    changed: asyncio.Event | None = None
    """Set whenever tokens came or the end did; None unless streaming."""

    @property
    def token_ids(self) -> Sequence[int]:
        """The tokens handed out so far."""
        return self.output[: self.generated_tokens]

    async def stream(self) -> AsyncIterator[Sequence[int]]:
        """New tokens as they come, until the generation ends."""
        assert self.changed is not None, "not submitted as a stream"
        sent = 0
        while not self.done.done() or sent < self.generated_tokens:
            await self.changed.wait()
            self.changed.clear()
            if self.generated_tokens > sent:
                fresh = self.output[sent : self.generated_tokens]
                sent = self.generated_tokens
                yield fresh


class EngineDriver:
    """The asyncio host of one engine. Start `run()` as a task; all methods are for the same event loop."""

    def __init__(self, engine: SimulatedEngine, *, time_scale: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        """`time_scale`: simulated seconds per wall second. Raises ValueError unless it is positive."""
        if not time_scale > 0:
            raise ValueError(f"time_scale is {time_scale}, it must be positive")
        self.engine = engine
        self.time_scale = time_scale
        self.phase = Phase.RUNNING
        self.failed = False
        self._clock = clock
        self._origin_s = clock()
        self._engine_now_s = 0.0
        self._live: dict[str, Generation] = {}
        self._streams: dict[str, Generation] = {}
        self._held: list[Generation] = []
        self._holds_arrivals = False
        self._wake = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def unfinished(self) -> int:
        """Requests that clients wait for, held back ones included."""
        return len(self._live)

    @property
    def paused(self) -> bool:
        """Whether no steps run."""
        return self.phase is Phase.PAUSED

    def submit(
        self, request_id: str, prompt: Sequence[int], output: Sequence[int], salt: str, *, stream: bool = False
    ) -> Generation:
        """Start a generation of exactly `output`.

        Raises:
            ValueError: as `SimulatedEngine.submit`.
            RuntimeError: `run()` has failed, so nothing would ever come of it.
        """
        if self.failed:
            raise RuntimeError("the simulated engine has stopped after an error")
        if request_id in self._live:
            raise ValueError(f"request_id is {request_id!r}, a request in the engine has it already")
        done = asyncio.get_running_loop().create_future()
        generation = Generation(request_id, prompt, output, salt, done, changed=asyncio.Event() if stream else None)
        if self.phase is Phase.DRAINING or self._holds_arrivals:
            self._held.append(generation)
        else:
            self._enter(generation)
        self._live[request_id] = generation
        self._empty.clear()
        if stream:
            self._streams[request_id] = generation
        return generation

    def abort(self, request_id: str) -> bool:
        """End a generation now, with the tokens it has. False if there is none of this id."""
        generation = self._live.get(request_id)
        if generation is None:
            return False
        if generation in self._held:
            self._held.remove(generation)
        elif request_id in self.engine:
            generation.generated_tokens = self.engine.completion_tokens(request_id)
            self.engine.abort(request_id)
        else:  # The engine finished it in the step whose end the driver still waits for.
            generation.generated_tokens = len(generation.output)
        self._settle(generation, None)
        return True

    def discard(self, generation: Generation) -> None:
        """Abort a generation nobody waits for any more; nothing if it has ended."""
        if self._live.get(generation.request_id) is generation:
            self.abort(generation.request_id)

    def abort_all(self, prefix: str = "") -> None:
        """The same for all whose id starts like this."""
        for request_id in [request_id for request_id in self._live if request_id.startswith(prefix)]:
            self.abort(request_id)

    def pause_keeping(self) -> None:
        """Freeze all requests; new ones queue."""
        self.phase = Phase.PAUSED

    def pause_aborting(self) -> None:
        """End all requests with the tokens they have, then freeze."""
        self.abort_all()
        self.phase = Phase.PAUSED

    def hold_arrivals(self) -> None:
        """Keep new requests out of the engine until it is resumed, as SGLang does while it is paused."""
        self._holds_arrivals = True

    async def pause_draining(self) -> None:
        """Hold new requests back, wait until the others are done, then freeze (unless resumed meanwhile)."""
        if self.phase is Phase.PAUSED:
            return
        self.phase = Phase.DRAINING
        while self.phase is Phase.DRAINING and len(self._live) > len(self._held):
            self._empty.clear()
            await self._empty.wait()
        if self.phase is Phase.DRAINING:
            self.phase = Phase.PAUSED

    def resume(self) -> None:
        """Go on where a pause stopped."""
        self.phase = Phase.RUNNING
        self._holds_arrivals = False
        held, self._held = self._held, []
        for generation in held:
            self._enter(generation)
        self._empty.set()
        self._wake.set()

    async def run(self) -> None:
        """Step the engine for ever. An error in it ends the generations with that error and is raised."""
        try:
            await self._step_for_ever()
        except Exception as error:
            self.failed = True
            for generation in list(self._live.values()):
                self._settle(generation, error)
            raise

    async def _step_for_ever(self) -> None:
        while True:
            if self.phase is Phase.PAUSED or not (self.engine.running or self.engine.waiting):
                self._wake.clear()
                await self._wake.wait()
                self._engine_now_s = max(self._engine_now_s, self._wall_now_s())
                continue
            result = self.engine.step(self._engine_now_s)
            self._engine_now_s += result.duration_s
            # Also when behind: requests and disconnects must get in between the steps.
            await asyncio.sleep(max(0.0, (self._engine_now_s - self._wall_now_s()) / self.time_scale))
            self._hand_out(result)

    def _wall_now_s(self) -> float:
        """Where the virtual clock should be, in simulated seconds."""
        return (self._clock() - self._origin_s) * self.time_scale

    def _enter(self, generation: Generation) -> None:
        self.engine.submit(generation.request_id, generation.prompt, generation.output, generation.salt, self._wall_now_s())
        self._wake.set()

    def _hand_out(self, result: StepResult) -> None:
        for event in result.events:
            # Aborted meanwhile, or even replaced by a new request of this id, which the engine then holds.
            if isinstance(event, Finished) and event.request_id in self._live and event.request_id not in self.engine:
                generation = self._live[event.request_id]
                generation.generated_tokens = len(generation.output)
                self._settle(generation, event.record)
        for generation in self._streams.values():
            if generation.request_id not in self.engine:
                continue
            tokens = self.engine.completion_tokens(generation.request_id)
            if tokens > generation.generated_tokens and generation.changed is not None:
                generation.generated_tokens = tokens
                generation.changed.set()

    def _settle(self, generation: Generation, outcome: RequestRecord | Exception | None) -> None:
        del self._live[generation.request_id]
        self._streams.pop(generation.request_id, None)
        if generation.done.done():  # Cancelled together with its handler.
            pass
        elif isinstance(outcome, Exception):
            generation.done.set_exception(outcome)
        else:
            generation.done.set_result(outcome)
        if generation.changed is not None:
            generation.changed.set()
        if len(self._live) == len(self._held):
            self._empty.set()
