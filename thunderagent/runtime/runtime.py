"""The asyncio host of the core: one loop, one clock. The only place that waits for admission."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict

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
    Limits,
    Policy,
    ProgramReleased,
    PromptSize,
    ReclaimTools,
    Refuse,
    Scheduler,
    TimerFired,
    TurnArrived,
    TurnCancelled,
    TurnEnded,
    WakeAt,
    WeightSyncBegan,
    WeightSyncEnded,
)
from thunderagent.errors import BackendLost, TurnRefused
from thunderagent.runtime.profile import StepProfile
from thunderagent.runtime.recorder import StepRecorder
from thunderagent.runtime.totals import Totals
from thunderagent.runtime.turn import Turn

logger = logging.getLogger(__name__)

Clock = Callable[[], float]
EMPTY_PROMPT = PromptSize(0, 0)


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
        """CPU time spent in the scheduler and in carrying out its effects."""
        self.degraded = False
        """True once the policy has failed: turns pass through unscheduled from then on."""
        self._clock, self._wall_clock, self._on_step = clock, wall_clock, on_step
        self._turn_ids = itertools.count(1)
        self._waiters: dict[int, asyncio.Future[str]] = {}
        self._turns: dict[int, Turn] = {}
        self._recorder = StepRecorder()
        self._backends: dict[str, int | None] = {}
        self._timer: asyncio.TimerHandle | None = None

    # Turns and programs

    @asynccontextmanager
    async def turn(
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
        priority: int = 0,
    ) -> AsyncIterator[Turn]:
        """Wait for admission, then run one turn of a program inside the block.

        The whole context is given in ``prompt_tokens`` or, where only its text is known, as ``prompt`` (``core.measure``). The
        other arguments are those of ``core.TurnArrived``. Leaving the block ends the turn, whatever the way: after
        ``turn.finish`` as completed, by cancellation as cancelled, else as failed.

        Raises:
            TurnRefused: the scheduler will not run it; no trace is left of the turn.
        """
        arrival = TurnArrived(
            program_id,
            next(self._turn_ids),
            prompt_tokens,
            group,
            phase,
            prompt_characters=prompt.characters,
            prompt_images=prompt.images,
            tool=tool,
            prefix=prefix,
            prefix_tokens=prefix_tokens,
            priority=priority,
        )
        turn = Turn(arrival, self._clock, self._handle)
        waiter: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiters[turn.turn_id] = waiter
        self._turns[turn.turn_id] = turn
        outcome = "failed"
        try:
            self._handle(arrival)
            await waiter
            yield turn
            outcome = "completed" if turn.usage is not None else "failed"
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        except TurnRefused:
            outcome = "refused"
            raise
        except BackendLost:
            outcome = "lost"
            raise
        finally:
            del self._turns[turn.turn_id]
            self._waiters.pop(turn.turn_id, None)
            self._end(turn, outcome)

    def release(self, program_id: str) -> None:
        """The program is over. Turns of it that still wait are refused."""
        self._recorder.forget(program_id)
        self._handle(ProgramReleased(program_id))

    # Backends and weights

    def add_backend(self, backend_id: str, capacity_tokens: int | None, host_tokens: int = 0) -> None:
        """An engine is there, or its capacity is known better than before. None: unknown, never full."""
        known = backend_id in self._backends
        self._backends[backend_id] = capacity_tokens
        self._handle((CapacityChanged if known else BackendJoined)(backend_id, capacity_tokens, host_tokens))

    def set_health(self, backend_id: str, *, healthy: bool) -> None:
        """An engine stopped or started answering its health checks."""
        self._handle(HealthChanged(backend_id, healthy))

    def avoid(self, program_id: str, backend_id: str) -> None:
        """Turns of this program fail there: its next one goes elsewhere, if there is an elsewhere."""
        self._handle(BackendAvoided(program_id, backend_id))

    def lose_cache(self, backend_id: str) -> None:
        """An engine's KV cache was flushed; its turns go on."""
        self._handle(CacheLost(backend_id))

    def remove_backend(self, backend_id: str) -> None:
        """An engine died or left: its running turns raise ``BackendLost``."""
        if self._backends.pop(backend_id, "unknown") != "unknown":
            self._handle(BackendLeft(backend_id))

    def begin_weight_sync(self) -> None:
        """Hold every turn back that arrives from now on."""
        self._handle(WeightSyncBegan())

    def end_weight_sync(self, *, kv_lost: bool = False) -> None:
        """Let turns start again. ``kv_lost``: KV computed with the old weights is not used any more."""
        self._handle(WeightSyncEnded(kv_lost))

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

    # Carrying out

    def _handle(self, event: Event) -> None:
        started = time.thread_time()
        try:
            if not self.degraded:
                for effect in self.scheduler.handle(event, self._clock()):
                    self._carry_out(effect)
        except Exception:
            logger.exception("scheduling failed at %s; turns pass through unscheduled from now on", event)
            self.degraded = True
        if self.degraded:
            self._pass_all_through()
        self.cpu_s += time.thread_time() - started

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Admit(turn_id, backend_id):
                self._admit(turn_id, backend_id)
            case Refuse(turn_id, reason, retry_after_s):
                waiter = self._waiters.get(turn_id)
                if waiter is not None and not waiter.done():
                    waiter.set_exception(TurnRefused(self._turns[turn_id].program_id, reason, retry_after_s))
            case Abort(turn_id):
                if turn_id in self._turns:
                    self._turns[turn_id].lose_backend()
            case WakeAt(at_s):
                self._wake_at(at_s)
            case ReclaimTools(program_id):
                self._recorder.forget(program_id)
            case _:  # hints and tool preparation: for the adapters that can use them
                pass

    def _wake_at(self, at_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay_s = max(0.0, at_s - self._clock())
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._timer_fired)

    def _timer_fired(self) -> None:
        self._timer = None
        self._handle(TimerFired())

    def _admit(self, turn_id: int, backend_id: str) -> None:
        waiter = self._waiters.get(turn_id)
        if waiter is not None and not waiter.done():
            self._turns[turn_id].admit_to(backend_id, self._clock())
            waiter.set_result(backend_id)

    def _pass_all_through(self) -> None:
        backends = sorted(self._backends)
        for turn_id, waiter in list(self._waiters.items()):
            if backends:
                self._admit(turn_id, backends[turn_id % len(backends)])
            elif not waiter.done():
                waiter.set_exception(TurnRefused(self._turns[turn_id].program_id, "no backend is up"))

    def _end(self, turn: Turn, outcome: str) -> None:
        now = self._clock()
        if outcome == "cancelled":
            self._handle(TurnCancelled(turn.turn_id))
        elif outcome != "refused" and not turn.lost:  # what was refused or lost is already accounted
            self._handle(TurnEnded(turn.turn_id, turn.usage, turn.tool))
        if turn.admitted_s is None:
            return
        step = self._recorder.record(turn, outcome, now, self._wall_clock())
        if turn.program_id not in self.scheduler.programs:  # released while its turn ran
            self._recorder.forget(turn.program_id)
        self.totals.add(step)
        if self._on_step is not None:
            self._on_step(step)
