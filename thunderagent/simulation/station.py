"""An engine in simulated time: runs its steps one after another, and those in which nothing happens in one leap."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from thunderagent.simulation.agenda import Agenda
from thunderagent.simulation.engine import SimulatedEngine
from thunderagent.simulation.events import Event


class Station:
    """Drives one engine. A request that comes while a step runs is seen by the next one, as in a real engine."""

    def __init__(self, engine: SimulatedEngine, agenda: Agenda, report: Callable[[Event], None]) -> None:
        """``report`` is called with each event of the engine when simulated time has come to it."""
        self.engine = engine
        self._agenda, self._report = agenda, report
        self._busy = False
        self._leap_began_s = 0.0
        self._leap_steps = 0
        """Of the leap that is under way; 0: none is."""
        self._leap_id = 0

    def submit_chain(
        self, request_id: str, chain: list[int], prompt_tokens: int, output_tokens: int, *, priority: int = 0
    ) -> None:
        """A request arrives now."""
        self._land()
        self.engine.submit_chain(request_id, chain, prompt_tokens, output_tokens, self._agenda.now_s, priority=priority)
        self._wake()

    def abort(self, request_id: str) -> None:
        """A request is withdrawn now."""
        self._land()
        self.engine.abort(request_id)
        self._wake()

    def demote(self, chain: Sequence[int], keep_blocks: int = 0) -> None:
        """A hint comes now: see the engine. What a leap has computed until now may be part of it."""
        self._land()
        self.engine.demote(chain, keep_blocks)

    def free(self, chain: Sequence[int], keep_blocks: int = 0) -> None:
        """A hint comes now: see the engine. What a leap has computed until now may be part of it."""
        self._land()
        self.engine.free(chain, keep_blocks)

    def _wake(self) -> None:
        if not self._busy:
            self._busy = True
            self._agenda.at(self._agenda.now_s, self._next)

    def _next(self) -> None:
        """Between two steps: leap if nothing can happen, else run one step, if there is anything to run."""
        steps = self.engine.quiet_steps()
        if steps:
            self._leap_began_s, self._leap_steps = self._agenda.now_s, steps
            self._leap_id += 1
            leap_id = self._leap_id
            self._agenda.at(self._agenda.now_s + self.engine.quiet_s(steps), lambda: self._leapt(leap_id))
            return
        result = self.engine.step(self._agenda.now_s)
        if result.duration_s > 0 or self.engine.running or self.engine.waiting:
            self._agenda.at(self._agenda.now_s + result.duration_s, lambda: self._ended(result.events))
        else:
            self._busy = False

    def _ended(self, events: tuple[Event, ...]) -> None:
        for event in events:
            self._report(event)
        self._next()

    def _leapt(self, leap_id: int) -> None:
        if leap_id == self._leap_id and self._leap_steps:
            steps, self._leap_steps = self._leap_steps, 0
            self.engine.leap(steps)
            self._next()

    def _land(self) -> None:
        """Cut a leap short at the end of the step that runs now."""
        if not self._leap_steps:
            return
        elapsed_s = self._agenda.now_s - self._leap_began_s
        steps = min(self._leap_steps, self._steps_within(elapsed_s))
        ends_s = self._leap_began_s + self.engine.quiet_s(steps)
        self._leap_steps = 0
        self.engine.leap(steps)
        self._agenda.at(max(ends_s, self._agenda.now_s), self._next)

    def _steps_within(self, elapsed_s: float) -> int:
        """The fewest quiet steps that take at least this long: the solution of ``quiet_s(steps) = elapsed_s``, rounded up."""
        first_s = self.engine.quiet_s(1)
        growth_s = self.engine.quiet_s(2) - 2 * first_s  # by which each step is longer than the one before
        linear_s = first_s - growth_s / 2
        if growth_s > 0:
            steps = (math.sqrt(linear_s**2 + 2 * growth_s * elapsed_s) - linear_s) / growth_s
        else:
            steps = elapsed_s / linear_s
        return math.ceil(steps - 1e-6)  # at the very end of a step the next one begins, whatever rounding says
