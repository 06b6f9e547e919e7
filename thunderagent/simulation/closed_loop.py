"""Programs in closed loop through the very scheduler of ``thunderagent.core``, in simulated time.

So many programs are under way at any time: when one is over, the next of the workload begins. Each asks for a turn, waits for the
scheduler and the engine, runs its tool, and asks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from thunderagent.core import (
    Abort,
    Admit,
    BackendJoined,
    Effect,
    FirstToken,
    Limits,
    Policy,
    ProgramReleased,
    Refuse,
    Scheduler,
    TimerFired,
    TurnArrived,
    TurnEnded,
    Usage,
    WakeAt,
)
from thunderagent.core import Event as SchedulerEvent
from thunderagent.simulation import events
from thunderagent.simulation.agenda import Agenda
from thunderagent.simulation.engine import SimulatedEngine
from thunderagent.simulation.outcome import FinishedProgram, FinishedTurn, Outcome
from thunderagent.simulation.running_program import RunningProgram
from thunderagent.simulation.spec import EngineSpec
from thunderagent.simulation.station import Station
from thunderagent.simulation.workloads import Script


class ClosedLoop:
    """One simulation; ``run`` may be called again to go on from where it stopped."""

    def __init__(
        self,
        policy: Policy,
        specs: Sequence[EngineSpec],
        scripts: Iterable[Script],
        programs: int,
        limits: Limits | None = None,
    ) -> None:
        """The first ``programs`` scripts begin at once.

        Args:
            policy: belongs to this simulation.
            specs: one per engine; its usable tokens are the capacity that the scheduler is told.
            scripts: taken one by one; when they are used up, fewer and fewer programs are under way.
            programs: how many are under way at once.
            limits: of the scheduler.
        """
        self.agenda = Agenda()
        self.scheduler = Scheduler(policy, limits)
        self.stations = {
            f"engine-{index}": Station(SimulatedEngine(spec), self.agenda, self._on_engine_event)
            for index, spec in enumerate(specs)
        }
        self.finished_turns: list[FinishedTurn] = []
        self.finished_programs: list[FinishedProgram] = []
        self.refused_programs = 0
        self._scripts: Iterator[Script] = iter(scripts)
        self._turns: dict[int, RunningProgram] = {}
        """Programs whose turn waits or runs, by turn."""
        self._turn_ids = 0
        self._births = 0
        self._groups: dict[str, int] = {}
        self._under_way = 0
        self._wake_id = 0
        self.begin_window()
        for backend_id, station in self.stations.items():
            self.tell(BackendJoined(backend_id, station.engine.spec.usable_tokens))
        for _ in range(programs):
            self._begin_next()

    def run(self, until_s: float) -> None:
        """Go on to a simulated time, or until all programs are over."""
        self.agenda.run(until_s, lambda: not self._under_way)

    def begin_window(self) -> None:
        """Measure from now on: what was before is warm-up."""
        self._since_s, self._turns_before = self.agenda.now_s, len(self.finished_turns)
        self._reprefilled_before, self._preemptions_before = self._reprefilled_tokens, self._preemptions

    def outcome(self) -> Outcome:
        """What has happened since the window began."""
        now_s = self.agenda.now_s
        return Outcome(
            measured_s=now_s - self._since_s,
            turns=self.finished_turns[self._turns_before :],
            lasting_waits_s=[now_s - program.arrived_s for program in self._turns.values() if program.request_id is None],
            reprefilled_tokens=self._reprefilled_tokens - self._reprefilled_before,
            preemptions=self._preemptions - self._preemptions_before,
            programs=self.finished_programs,
            refused_programs=self.refused_programs,
        )

    @property
    def _reprefilled_tokens(self) -> int:
        return sum(station.engine.counters.reprefilled_tokens for station in self.stations.values())

    @property
    def _preemptions(self) -> int:
        return sum(station.engine.counters.preemptions for station in self.stations.values())

    # Programs

    def _begin_next(self) -> None:
        script = next(self._scripts, None)
        if script is None:
            return
        self._under_way += 1
        self._births += 1
        group = self._groups.setdefault(script.group, len(self._groups)) if script.group else None
        self._ask(RunningProgram(script, self._births, group, self.agenda.now_s))

    def _ask(self, program: RunningProgram) -> None:
        self._turn_ids += 1
        self._turns[self._turn_ids] = program
        program.ask(self.agenda.now_s)
        script = program.script
        self.tell(TurnArrived(script.program_id, self._turn_ids, program.prompt_tokens, script.group))

    def _over(self, program: RunningProgram) -> None:
        self._under_way -= 1
        script = program.script
        self.finished_programs.append(FinishedProgram(self.agenda.now_s, program.began_s, script.group, len(script.turns)))
        self.tell(ProgramReleased(script.program_id))
        self._begin_next()

    # The scheduler

    def tell(self, event: SchedulerEvent) -> None:
        """The scheduler learns of something now; faults are made so."""
        for effect in self.scheduler.handle(event, self.agenda.now_s):
            self._carry_out(effect)

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Admit():
                program = self._turns[effect.turn_id]
                program.admitted_s = self.agenda.now_s
                program.request_id = str(effect.turn_id)
                station = self.stations[effect.backend_id]
                chain = program.chain(station.engine.spec.block_size_tokens)
                station.submit_chain(program.request_id, chain, program.prompt_tokens, program.turn.output_tokens)
            case WakeAt():
                self._wake_id += 1
                wake_id = self._wake_id
                self.agenda.at(max(effect.at_s, self.agenda.now_s), lambda: self._wake(wake_id))
            case Abort():
                self.stations[effect.backend_id].abort(str(effect.turn_id))
                self._ask(self._turns.pop(effect.turn_id))
            case Refuse():
                program = self._turns.pop(effect.turn_id)
                if effect.retry_after_s is None:
                    self.refused_programs += 1
                    self.agenda.at(self.agenda.now_s, lambda: self._over(program))
                else:
                    self.agenda.at(self.agenda.now_s + effect.retry_after_s, lambda: self._ask(program))
            case _:  # a parked turn waits for its Admit; these engines take no hints, and there are no sandboxes
                pass

    def _wake(self, wake_id: int) -> None:
        if wake_id == self._wake_id:  # a later WakeAt replaces it
            self.tell(TimerFired())

    # The engines

    def _on_engine_event(self, event: events.Event) -> None:
        if isinstance(event, events.FirstToken):
            self.tell(FirstToken(int(event.request_id)))
        elif isinstance(event, events.Finished):
            self._turn_over(int(event.request_id), event.record)

    def _turn_over(self, turn_id: int, record: events.RequestRecord) -> None:
        program, now_s = self._turns.pop(turn_id), self.agenda.now_s
        wait_s = program.admitted_s - program.arrived_s + record.queued_s
        self.finished_turns.append(FinishedTurn(wait_s, record.prompt_tokens, record.cached_tokens))
        usage = Usage(record.prompt_tokens, record.completion_tokens, record.cached_tokens, record.prefill_s)
        turn = program.turn
        self.tell(TurnEnded(turn_id, usage, turn.tool))
        if program.end_turn():
            self.agenda.at(now_s + turn.tool_s, lambda: self._ask(program))
        else:
            self._over(program)
