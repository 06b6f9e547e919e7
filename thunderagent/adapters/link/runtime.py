"""A gateway's runtime: turns are decided on by the scheduler at the other end of a link, and without it pass through.

While the scheduler is lost, running turns go on untouched. Those that wait do so for a grace, as it may be back at once; then
they, and all that arrive, go to a backend that their program's id alone decides, so that its next turn finds its KV cache. When
the scheduler is back, it is told of the turns that run (``Adopt``) and asked again for those that wait.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from thunderagent.adapters.link import messages as m
from thunderagent.adapters.link.lifeline import Lifeline
from thunderagent.adapters.link.transport import Dial
from thunderagent.core import FirstToken, Progress, PromptSize, RefuseCause, TurnArrived
from thunderagent.errors import RequestProblem, TurnRefused
from thunderagent.runtime import Patience, StepProfile, Turn
from thunderagent.runtime.recorder import StepRecorder

GRACE_S = 2.0
"""A scheduler that died is back within a second or two, its supervisor willing: better a short wait than turns out of place. A
longer one, and clients would notice."""
RETRY_AFTER_S = 5.0
"""Advice where not even one backend is known."""
REMEMBERED = 100_000
"""Programs whose shared start is not told again; each costs some hundred bytes."""
NO_PROMPT = PromptSize(0, 0)
LONGEST_WAIT_S = 1e9
"""Of seconds and of tokens, the most that the link takes."""


class RemoteRuntime:
    """``Scheduling`` and ``Requests`` of the gateway, and the host of its turns. All methods belong to one loop."""

    def __init__(
        self,
        dial: Dial,
        *,
        token: str = "",
        grace_s: float = GRACE_S,
        on_backends: Callable[[list[m.Backend]], None] = lambda backends: None,
        on_end_rollout: Callable[[list[str]], None] = lambda programs: None,
        on_welcome: Callable[[m.Welcome], None] = lambda welcome: None,
        http: Callable[[], m.Http] = lambda: m.Http([], [], 0, 0, 0, 0),
        on_step: Callable[[StepProfile], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``http``: what was counted since it was last asked. ``on_step``: told of every finished step as far as it is known here,
        without the program's past. The others are told what the scheduler tells."""
        self.line = Lifeline(dial, self, token, clock=clock)
        self._grace_s, self._clock, self._on_step = grace_s, clock, on_step
        self._on_backends, self._on_end_rollout, self._on_welcome, self._http = on_backends, on_end_rollout, on_welcome, http
        self.backends: list[m.Backend] = []
        """As they were told last."""
        self.passed_through = 0
        """Turns that no scheduler was asked for."""
        self.in_flight = 0
        """Requests in engines now."""
        self._numbers = itertools.count(1)
        self._turns: dict[int, Turn] = {}
        self._announced: set[int] = set()
        """Turns that the scheduler at the other end knows."""
        self._avoid: dict[int, str] = {}
        self._requests: dict[int, tuple[str, bool]] = {}
        self._programs: dict[str, None] = {}
        self._weights: dict[str, str] = {}
        self._calls: dict[int, asyncio.Future[None]] = {}
        self._alone = False
        """The grace is over."""
        self._timer: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Look for the scheduler until this is cancelled."""
        self._begin_grace()
        try:
            await self.line.run()
        finally:
            self._end_grace()

    # Scheduling

    def turn(
        self,
        program_id: str,
        *,
        prompt_tokens: int | None = None,
        prompt: PromptSize = NO_PROMPT,
        group: str = "",
        phase: str = "",
        tool: str = "",
        prefix: str = "",
        prefix_tokens: int = 0,
        prefix_characters: int = 0,
        priority: int = 0,
        patience: Patience = Patience(),  # noqa: B008 - frozen
    ) -> Turn:
        """As ``Runtime.turn``."""
        size = prompt.characters, prompt.images
        arrival = TurnArrived(
            *(program_id, next(self._numbers), prompt_tokens, group, phase, *size, tool),
            *(prefix, prefix_tokens, prefix_characters, priority),
        )
        return Turn(arrival, self, patience)

    def knows(self, program_id: str) -> bool:
        """Whether the scheduler has been told of it."""
        return program_id in self._programs

    def program_ids(self) -> Iterable[str]:
        """Not known here: the scheduler tells them with ``EndRollout``."""
        return ()

    def release_idle(self, program_id: str) -> None:
        """Nothing: the scheduler does, as it knows the turns of all gateways."""

    def release(self, program_id: str) -> None:
        """The program is over. While the scheduler is lost, it is left to expire."""
        self._programs.pop(program_id, None)
        self.line.send(m.Release(program_id))

    def withdraw(self, program_id: str) -> None:
        """The program is over if it never ran."""
        self._programs.pop(program_id, None)
        self.line.send(m.Withdraw(program_id))

    # Requests, and what else the relay tells

    def took(self, backend_id: str, *, retry: bool = False) -> int:
        """As ``Fleet.took``."""
        self.in_flight += 1
        number = next(self._numbers)
        self._requests[number] = backend_id, retry
        self.line.send(m.Sent(number, backend_id, retry))
        return number

    def ended(self, backend_id: str, ok: bool | None, epoch: int, *, answered: bool = True) -> None:
        """As ``Fleet.ended``."""
        self.in_flight -= 1
        del self._requests[epoch]
        self.line.send(m.Ended(epoch, ok, answered))

    def saw_weights(self, backend_id: str, version: str) -> None:
        """A backend has answered with them; told when they are others than before."""
        if self._weights.get(backend_id) != version:
            self._weights[backend_id] = version
            self.line.send(m.Weights(backend_id, version))

    async def attach(self, program_id: str, docker_ids: tuple[str, ...]) -> None:
        """Make containers a program's.

        Raises:
            RequestProblem: they cannot be, or there is no scheduler.
        """
        if not self.line.connected:
            raise _no_scheduler()
        number = next(self._numbers)
        answer = self._calls[number] = asyncio.get_running_loop().create_future()
        try:
            self.line.send(m.Attach(number, program_id, list(docker_ids)))
            await answer
        finally:
            del self._calls[number]

    # What a turn asks of its host

    def now(self) -> float:
        """In seconds."""
        return self._clock()

    def report(self, event: FirstToken | Progress) -> None:
        """Of a turn that runs."""
        if event.turn_id not in self._announced:
            return
        if isinstance(event, Progress):
            self.line.send(m.Progress(event.turn_id, event.completion_tokens))
        else:
            self.line.send(m.FirstToken(event.turn_id))

    def enter(self, turn: Turn) -> bool:
        """It has arrived; False: ``wait`` is to follow.

        Raises:
            TurnRefused: there is neither a scheduler nor a backend.
        """
        self._turns[turn.arrival.turn_id] = turn
        return self._ask(turn)

    async def wait(self, turn: Turn) -> None:
        """Until it is admitted.

        Raises:
            TurnRefused: it will not be run.
        """
        turn.waiter = asyncio.get_running_loop().create_future()
        try:
            await turn.waiter
        finally:
            turn.waiter = None
        if turn.refusal is not None:
            raise turn.refusal

    def end_try(self, turn: Turn, *, elsewhere: bool) -> None:
        """A try of a running turn failed."""
        if elsewhere:
            self._avoid[turn.arrival.turn_id] = turn.backend
        if not turn.lost:
            turn.lost = True
            if turn.arrival.turn_id in self._announced:
                self.line.send(m.Failed(turn.arrival.turn_id, elsewhere))

    async def enter_again(self, turn: Turn) -> None:
        """The next try.

        Raises:
            TurnRefused: it will not be run any more.
        """
        self.end_try(turn, elsewhere=False)
        turn.rearm(replace(turn.arrival, retry=True))
        if not self._ask(turn):
            await self.wait(turn)

    def leave(self, turn: Turn, outcome: str) -> None:
        """The turn is over."""
        number = turn.arrival.turn_id
        del self._turns[number]
        self._avoid.pop(number, None)
        if number in self._announced:
            self._announced.discard(number)
            self.line.send(m.Left(number, outcome, _counts(turn), turn.tool))
        if self._on_step is not None and turn.admitted_s is not None:
            step = StepRecorder().record(turn, "failed" if outcome == "refused" else outcome, self._clock(), time.time())
            self._on_step(replace(step, step_id=0))

    def _ask(self, turn: Turn) -> bool:
        """Ask for its admission; True: it passes through.

        Raises:
            TurnRefused: there is no backend.
        """
        number = turn.arrival.turn_id
        if self.line.connected:
            self.line.send(m.Again(number) if number in self._announced else self._arrive(turn))
            return False
        if not self._alone:
            return False
        self._pass(turn)
        if turn.refusal is not None:
            raise turn.refusal
        return True

    def _arrive(self, turn: Turn) -> m.Arrive:
        arrival, patience = turn.arrival, turn.patience
        self._announced.add(arrival.turn_id)
        if len(self._programs) >= REMEMBERED:
            self._programs.clear()
        self._programs[arrival.program_id] = None
        return m.Arrive(
            arrival.turn_id,
            arrival.program_id,
            arrival.prompt_tokens,
            arrival.prompt_characters,
            arrival.prompt_images,
            arrival.group,
            arrival.phase,
            arrival.tool,
            arrival.prefix,
            arrival.prefix_tokens,
            arrival.prefix_characters,
            arrival.priority,
            None if patience.max_wait_s is None else min(patience.max_wait_s, LONGEST_WAIT_S),
            patience.max_waiting,
        )

    # Without a scheduler

    def _pass(self, turn: Turn) -> None:
        backends = [backend.id for backend in self.backends if backend.healthy] or [backend.id for backend in self.backends]
        if not backends:
            problem = "there is neither a scheduler nor a backend"
            turn.refuse(TurnRefused(turn.program_id, RefuseCause.NO_BACKEND, problem, RETRY_AFTER_S))
            return
        self.passed_through += 1
        turn.admit_to(chosen(turn.program_id, backends, self._avoid.get(turn.arrival.turn_id)), self._clock())

    def _begin_grace(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._grace_s, self._grace_over)

    def _end_grace(self) -> None:
        self._alone = False
        if self._timer is not None:
            self._timer.cancel()

    def _grace_over(self) -> None:
        self._alone = True
        for turn in list(self._turns.values()):
            if turn.waiter is not None:
                self._pass(turn)

    # Told by the link

    def up(self, welcome: m.Welcome) -> None:
        """The scheduler is there, and knows of nothing."""
        self._end_grace()
        self._on_welcome(welcome)
        for number, (backend, retry) in self._requests.items():
            self.line.send(m.Sent(number, backend, retry))
        for turn in self._turns.values():
            if turn.waiter is not None and not turn.waiter.done():
                self.line.send(self._arrive(turn))
            elif turn.backend and not turn.lost:
                assert turn.admitted_s is not None, "it runs"
                ran_s = max(0.0, self._clock() - turn.admitted_s)
                self.line.send(m.Adopt(self._arrive(turn), turn.backend, max(0.0, turn.waited_s), ran_s))

    def down(self) -> None:
        """It is lost, with all that it knew."""
        self._announced.clear()
        self._programs.clear()
        self._weights.clear()
        for answer in self._calls.values():
            if not answer.done():
                answer.set_exception(_no_scheduler())
        self._begin_grace()

    def beat(self) -> m.Http:
        """What has been counted."""
        return self._http()

    def message(self, message: m.Message) -> None:
        """From the scheduler."""
        match message:
            case m.Admitted(number, backend, priority):
                turn = self._turns.get(number)
                if turn is not None and turn.waiter is not None:
                    turn.admit_to(backend, self._clock(), priority)
            case m.Refused(number, cause, reason, retry_after_s):
                self._announced.discard(number)
                turn = self._turns.get(number)
                if turn is not None and turn.waiter is not None:
                    turn.refuse(TurnRefused(turn.program_id, cause, reason, retry_after_s))
            case m.Lost(number):
                turn = self._turns.get(number)
                if turn is not None and turn.backend:
                    turn.lose_backend()
            case m.Backends(backends):
                self.backends = backends
                self._on_backends(backends)
            case m.EndRollout(programs):
                self._on_end_rollout(programs)
            case m.Attached(call, problem):
                answer = self._calls.get(call)
                if answer is not None and not answer.done():
                    _settle(answer, problem)
            case _:
                raise AssertionError(f"{message!r} is for the link itself")


def chosen(program_id: str, backends: list[str], avoid: str | None = None) -> str:
    """Rendezvous hashing: each program has a backend of its own, and few change theirs when one comes or goes."""
    candidates = [backend for backend in backends if backend != avoid] or backends
    return max(candidates, key=lambda backend: hashlib.blake2b(f"{program_id}\0{backend}".encode(), digest_size=8).digest())


def _counts(turn: Turn) -> m.Counts | None:
    """As the link takes them: what cannot be is not told."""
    usage, timing = turn.usage, turn.timing
    if usage is None or not (_can_be(usage.prompt_tokens) and _can_be(usage.completion_tokens)):
        return None
    parts = None if timing is None else (timing.queue_s, timing.prefill_s, timing.decode_s)
    return m.Counts(
        int(usage.prompt_tokens),
        int(usage.completion_tokens),
        int(usage.cached_tokens) if _can_be(usage.cached_tokens) and usage.cached_tokens is not None else None,
        usage.prefill_s if _can_be(usage.prefill_s) else None,
        parts if parts is not None and all(map(_can_be, parts)) else None,
    )


def _can_be(number: float | None) -> bool:
    return number is not None and 0 <= number < LONGEST_WAIT_S


def _settle(answer: asyncio.Future[None], problem: tuple[Any, ...] | None) -> None:
    if problem is None:
        answer.set_result(None)
        return
    status, reason, text, param, retry_after_s = problem
    answer.set_exception(RequestProblem(status, reason, text, param=param, retry_after_s=retry_after_s))


def _no_scheduler() -> RequestProblem:
    return RequestProblem(503, "no_scheduler", "this gateway has lost its scheduler, which is needed for this", retry_after_s=1.0)
