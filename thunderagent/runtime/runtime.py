"""The asyncio host of the core: one loop, one clock. The only place that waits for admission."""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from typing import NoReturn

from thunderagent.core import (
    Abort,
    Admit,
    BackendAvoided,
    BackendJoined,
    BackendLeft,
    CacheLost,
    CapacityChanged,
    Effect,
    Event,
    HealthChanged,
    KvResident,
    Limits,
    Park,
    Policy,
    PrepareTools,
    ProgramReleased,
    PromptSize,
    ReclaimTools,
    Refuse,
    RefuseCause,
    Scheduler,
    TimerFired,
    TurnAdopted,
    TurnArrived,
    TurnCancelled,
    TurnEnded,
    WakeAt,
    WeightSyncBegan,
    WeightSyncEnded,
)
from thunderagent.errors import TurnRefused
from thunderagent.runtime.listener import ProgramListener
from thunderagent.runtime.profile import StepProfile
from thunderagent.runtime.recorder import StepRecorder
from thunderagent.runtime.totals import Totals
from thunderagent.runtime.turn import ENDLESS, Patience, Turn

logger = logging.getLogger(__name__)

Clock = Callable[[], float]
EMPTY_PROMPT = PromptSize(0, 0)
CPU_SAMPLE = 31
"""Reading the thread's clock twice costs a tenth of an event or more. A prime: arrivals and ends alternate."""
IMPATIENT_RETRY_AFTER_S = 5.0
"""Advice for turns that did not want to wait longer: about one turn of another program, after which there may be room."""


class Runtime:
    """Runs turns under a policy. All methods are to be called from one event loop."""

    def __init__(
        self,
        policy: Policy,
        *,
        limits: Limits | None = None,
        clock: Clock = time.monotonic,
        wall_clock: Clock = time.time,
        on_step: Callable[[StepProfile], None] | None = None,
    ) -> None:
        """``on_step`` is called on the loop for every finished step and must not block."""
        self.scheduler = Scheduler(policy, limits)
        self.totals = Totals()
        self.cpu_s = 0.0
        """CPU time spent in the scheduler and in carrying out its effects; one event in ``CPU_SAMPLE`` is measured for all."""
        self.degraded = False
        """True once the policy has failed: turns pass through unscheduled from then on."""
        self._clock, self._wall_clock, self._on_step = clock, wall_clock, on_step
        self._listeners: list[ProgramListener] = []
        self._watchers: list[Callable[[Event, Sequence[Effect]], object]] = []
        self._turn_ids = itertools.count(1)
        self._events = 0
        self._turns: dict[int, Turn] = {}
        self._recorder = StepRecorder()
        self._backends: dict[str, int | None] = {}
        self._objections: dict[str, set[str]] = {}
        """Who says of a backend that it is not healthy."""
        self._timer: asyncio.TimerHandle | None = None
        self._last_event_s = math.inf  # nothing has been told yet, so nothing is old

    def listen(self, listener: ProgramListener) -> None:
        """Tell it of every program from now on."""
        self._listeners.append(listener)

    def watch(self, watcher: Callable[[Event, Sequence[Effect]], object]) -> None:
        """Call it with every event from now on, and with what came of it; it must not block."""
        self._watchers.append(watcher)

    # Turns and programs

    def running(self, turn_id: int) -> Turn | None:
        """A turn that waits or runs, by the id that the core knows it by."""
        return self._turns.get(turn_id)

    def turn(
        self,
        program_id: str,
        *,
        prompt_tokens: int | None = None,
        prompt: PromptSize = EMPTY_PROMPT,
        group: str = "",
        phase: str = "",
        tool: str = "",
        prefix: str = "",
        prefix_tokens: int = 0,
        prefix_characters: int = 0,
        priority: int = 0,
        patience: Patience = ENDLESS,
    ) -> Turn:
        """One turn of a program: ``async with runtime.turn(...) as turn`` waits for admission and raises ``TurnRefused``.

        The whole context is given in ``prompt_tokens`` or, where only its text is known, as ``prompt`` (``core.measure``). The
        other arguments are those of ``core.TurnArrived``. No trace is left of a turn that was refused.
        """
        arrival = TurnArrived(
            program_id,
            next(self._turn_ids),
            prompt_tokens,
            group,
            phase,
            prompt.characters,
            prompt.images,
            tool,
            prefix,
            prefix_tokens,
            prefix_characters,
            priority,
        )
        return Turn(arrival, self, patience)

    def release(self, program_id: str, *, withdrawn: bool = False) -> bool:
        """The program is over. Turns of it that still wait are refused. False: no such program was known.

        ``withdrawn``: it never ran, and may come again: it keeps the tools that its client has asked for.
        """
        known = program_id in self.scheduler.programs or (self.scheduler.syncing and self._is_held(program_id))
        self._recorder.forget(program_id)
        self._handle(ProgramReleased(program_id))
        for listener in self._listeners:
            listener.program_over(program_id, withdrawn=withdrawn)  # it may be known there alone
        return known

    def knows(self, program_id: str) -> bool:
        """Whether it has had a turn admitted or parked."""
        return program_id in self.scheduler.programs

    def program_ids(self) -> Iterable[str]:
        """Of all that are known."""
        return self.scheduler.programs

    def release_idle(self, program_id: str) -> None:
        """Release it, unless a turn of it runs or waits."""
        program = self.scheduler.programs.get(program_id)
        if program is not None and program.idle:
            self.release(program_id)

    def withdraw(self, program_id: str) -> None:
        """Release it, if it has no turn and never had an answer: no KV cache is to be held for it, whatever its prompt's size."""
        program = self.scheduler.programs.get(program_id)
        if program is not None and program.idle and program.exact_prompt_tokens == 0:
            self.release(program_id, withdrawn=True)

    def steps(self, program_id: str) -> int:
        """Steps of a program that have ended; 0 also for one that is not known."""
        return self._recorder.steps(program_id)

    def _is_held(self, program_id: str) -> bool:
        """Whether a turn of it waits: one that a weight sync holds back may be all that there is of a program. O(turns)."""
        waiting = (turn for turn in self._turns.values() if not turn.backend and turn.refusal is None)
        return any(turn.program_id == program_id for turn in waiting)

    # Backends and weights

    def add_backend(self, backend_id: str, capacity_tokens: int | None, host_tokens: int = 0) -> None:
        """An engine is there, or its capacity is known better than before. None: unknown, never full."""
        known = backend_id in self._backends
        self._backends[backend_id] = capacity_tokens
        self._handle((CapacityChanged if known else BackendJoined)(backend_id, capacity_tokens, host_tokens))

    @property
    def backends(self) -> list[str]:
        """Ids of all that are there, healthy or not, in order of joining."""
        return list(self._backends)

    def set_health(self, backend_id: str, *, healthy: bool, source: str = "") -> None:
        """Whether new turns may go there, as one ``source`` sees it: they may as long as no source objects.

        What runs there goes on. Objections are forgotten when the backend leaves.
        """
        objections = self._objections.setdefault(backend_id, set()) if backend_id in self._backends else set()
        was_healthy = not objections
        (objections.discard if healthy else objections.add)(source)
        if was_healthy != (not objections) or backend_id not in self._backends:
            self._handle(HealthChanged(backend_id, not objections))

    def lose_cache(self, backend_id: str) -> None:
        """An engine's KV cache was flushed; its turns go on."""
        self._handle(CacheLost(backend_id))

    def kv_resident(self, program_id: str, backend_id: str, tokens: int | None) -> bool:
        """So much of the program's context is still in the engine's KV cache; None: not known any more.

        False: no such program is known.
        """
        known = program_id in self.scheduler.programs
        if known:
            self._handle(KvResident(program_id, backend_id, tokens))
        return known

    def remove_backend(self, backend_id: str) -> None:
        """An engine died or left: its running turns raise ``BackendLost``."""
        self._objections.pop(backend_id, None)
        if self._backends.pop(backend_id, "unknown") != "unknown":
            self._handle(BackendLeft(backend_id))

    def begin_weight_sync(self) -> None:
        """Hold every turn back that arrives from now on."""
        self._handle(WeightSyncBegan())

    def end_weight_sync(self, *, kv_lost: bool = False) -> None:
        """Let turns start again. ``kv_lost``: KV computed with the old weights is not used any more."""
        self._handle(WeightSyncEnded(kv_lost))

    @property
    def since_event_s(self) -> float:
        """Seconds since the scheduler was last told something: what it says of waits is so old."""
        return max(0.0, self._clock() - self._last_event_s)

    def snapshot(self) -> dict[str, float]:
        """Gauges and totals for a tracker, all numbers; the key set never changes."""
        scheduler, totals = self.scheduler, self.totals
        backends = list(scheduler.ledger.backends.values())
        committed = [b.shared_tokens + b.private_reasoning_tokens + b.private_acting_tokens for b in backends]
        usage = [c / b.capacity_tokens for c, b in zip(committed, backends, strict=True) if b.capacity_tokens]
        return {
            "programs": len(scheduler.programs),
            "resident_programs": sum(backend.resident for backend in backends),
            "waiting_turns": scheduler.waiting_turns,
            "backends": len(backends),
            "committed_tokens": sum(committed),
            "kv_committed_mean": sum(usage) / len(usage) if usage else 0.0,
            "kv_committed_max": max(usage, default=0.0),
            "kv_hit_rate": totals.kv_hit_rate,
            "steps_per_min": totals.steps_per_min,
            "steps": totals.steps,
            "failed_steps": totals.failed_steps,
            "reprefilled_tokens": totals.reprefilled_tokens,
            "paused_s": totals.paused_s,
            "queue_s": totals.queue_s,
            "prefill_s": totals.prefill_s,
            "decode_s": totals.decode_s,
            "tool_call_s": totals.tool_call_s,
            "cpu_s": self.cpu_s,
            "degraded": float(self.degraded),
            **{f"count_{name}": value for name, value in asdict(scheduler.counters).items()},
        }

    # What a turn asks of its host

    def now(self) -> float:
        """The runtime's clock, in seconds."""
        return self._clock()

    def report(self, event: Event) -> None:
        """Of a turn that runs."""
        self._handle(event)

    def enter(self, turn: Turn) -> bool:
        """It has arrived; tells whether it may start at once, else ``wait`` is to follow.

        Raises:
            TurnRefused: it will not be run.
        """
        self._turns[turn.arrival.turn_id] = turn
        self._handle(turn.arrival)
        if turn.refusal is not None:
            raise turn.refusal
        return turn.backend != ""

    def adopt(self, turn: Turn, backend_id: str, *, waited_s: float, ran_s: float) -> None:
        """It waited for so long, and then began to run there so long ago, before this runtime knew of it; ``leave`` follows."""
        turn.backend, turn.waited_s = backend_id, waited_s
        turn.admitted_s = self._clock() - ran_s
        turn.arrived_s = turn.admitted_s - waited_s
        self._turns[turn.arrival.turn_id] = turn
        self._handle(TurnAdopted(**asdict(turn.arrival), backend_id=backend_id))

    def end_try(self, turn: Turn, *, elsewhere: bool) -> None:
        """A try of a running turn failed: until it enters again, nothing of it is anywhere."""
        if not turn.lost:
            self._handle(TurnEnded(turn.arrival.turn_id))
            turn.lost = True  # as after the loss of a backend, its end is accounted
            if elsewhere:
                self._handle(BackendAvoided(turn.program_id, turn.backend))

    async def enter_again(self, turn: Turn) -> None:
        """End a failed try and wait for the next admission of the same turn.

        Raises:
            TurnRefused: it will not be run any more.
        """
        old = turn.arrival
        del self._turns[old.turn_id]
        self.end_try(turn, elsewhere=False)
        turn.rearm(replace(old, turn_id=next(self._turn_ids), retry=True))
        if not self.enter(turn):
            await self.wait(turn)

    def leave(self, turn: Turn, outcome: str) -> None:
        """The turn is over: ``completed``, ``failed``, ``cancelled``, ``refused`` or ``lost``."""
        del self._turns[turn.arrival.turn_id]
        if turn.refusal is None and not turn.lost:  # what was refused or lost is already accounted
            if outcome == "cancelled" or not turn.backend:
                self._handle(TurnCancelled(turn.arrival.turn_id))
            else:
                self._handle(TurnEnded(turn.arrival.turn_id, turn.usage, turn.tool))
        if turn.admitted_s is None:
            return
        step = self._recorder.record(turn, "failed" if outcome == "refused" else outcome, self._clock(), self._wall_clock())
        if turn.program_id not in self.scheduler.programs:  # released while its turn ran
            self._recorder.forget(turn.program_id)
        self.totals.add(step)
        if self._on_step is not None:
            self._on_step(step)

    async def wait(self, turn: Turn) -> None:
        """Until it is admitted, as long as its patience allows.

        Raises:
            TurnRefused: it will not be run.
        """
        patience = turn.patience
        if patience.max_waiting is not None and self.scheduler.waiting_turns > patience.max_waiting:
            self._give_up(turn, "queue_full", f"{patience.max_waiting} turns wait already")
        turn.waiter = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(patience.max_wait_s):
                await turn.waiter
        except TimeoutError:
            if turn.backend:  # admitted in the same moment
                return
            if turn.refusal is None:
                self._give_up(turn, "wait_timeout", f"it has waited for {patience.max_wait_s:g} s")
        finally:
            turn.waiter = None
        if turn.refusal is not None:
            raise turn.refusal

    def _give_up(self, turn: Turn, cause: str, reason: str) -> NoReturn:
        self._handle(TurnCancelled(turn.arrival.turn_id))
        turn.refusal = TurnRefused(turn.program_id, cause, reason, IMPATIENT_RETRY_AFTER_S)
        raise turn.refusal

    # Carrying out

    def _handle(self, event: Event) -> None:
        self._events += 1
        sampled = self._events % CPU_SAMPLE == 0
        started = time.thread_time() if sampled else 0.0
        try:
            if not self.degraded:
                self._last_event_s = self._clock()
                effects = self.scheduler.handle(event, self._last_event_s)
                for effect in effects:
                    self._carry_out(effect)
                for watcher in self._watchers:
                    watcher(event, effects)
        except Exception:
            logger.exception("scheduling failed at %s; turns pass through unscheduled from now on", event)
            self.degraded = True
        if self.degraded:
            self._pass_all_through()
        if sampled:
            self.cpu_s += CPU_SAMPLE * (time.thread_time() - started)

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Admit(turn_id, backend_id, priority):
                self._admit(turn_id, backend_id, priority)
            case Refuse(turn_id, cause, reason, retry_after_s):
                if turn_id in self._turns:
                    turn = self._turns[turn_id]
                    turn.refuse(TurnRefused(turn.program_id, cause, reason, retry_after_s))
            case Abort(turn_id):
                if turn_id in self._turns:
                    self._turns[turn_id].lose_backend()
            case WakeAt(at_s):
                self._wake_at(at_s)
            case ReclaimTools(program_id):
                withdrawn = self._recorder.steps(program_id) == 0
                self._recorder.forget(program_id)
                for listener in self._listeners:
                    listener.program_over(program_id, withdrawn=withdrawn)
            case PrepareTools(program_id):
                for listener in self._listeners:
                    listener.program_began(program_id)
            case Park(turn_id):
                self._tell_rank(turn_id)
            case _:  # hints: for the adapters that can use them
                pass

    def _tell_rank(self, turn_id: int) -> None:
        turn = self._turns.get(turn_id) if self._listeners else None
        if turn is not None:
            for listener in self._listeners:
                listener.program_expected(turn.program_id, self.scheduler.rank(turn.program_id))

    def _wake_at(self, at_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay_s = max(0.0, at_s - self._clock())
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._timer_fired)

    def _timer_fired(self) -> None:
        self._timer = None
        self._handle(TimerFired())

    def _admit(self, turn_id: int, backend_id: str, priority: int) -> None:
        turn = self._turns.get(turn_id)
        if turn is not None:
            turn.admit_to(backend_id, self._clock(), priority)
            self._tell_rank(turn_id)

    def _pass_all_through(self) -> None:
        backends = sorted(self._backends)
        for turn_id, turn in list(self._turns.items()):
            if turn.backend or turn.refusal is not None:
                continue
            if backends:
                turn.admit_to(backends[turn_id % len(backends)], self._clock())
            else:
                turn.refuse(TurnRefused(turn.program_id, RefuseCause.NO_BACKEND, "no backend is up", IMPATIENT_RETRY_AFTER_S))
