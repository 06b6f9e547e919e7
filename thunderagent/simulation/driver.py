"""Programs, engines and the very scheduler of ``thunderagent.core`` in simulated time.

Each program asks for a turn, waits for the scheduler and the engine, runs its tool, and asks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from thunderagent.core import (
    Abort,
    Admit,
    BackendJoined,
    BackendLeft,
    Demote,
    Effect,
    FirstToken,
    Free,
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
from thunderagent.simulation.faults import NO_FAULTS, Death, Faults
from thunderagent.simulation.outcome import FinishedTurn, OpenTurn, Outcome, ProgramSpan
from thunderagent.simulation.running_program import BLOCKS_PER_NAME, RunningProgram
from thunderagent.simulation.script import Script
from thunderagent.simulation.spec import EngineSpec
from thunderagent.simulation.station import Station

GIVING_UP_S = 1.0
"""In which a client learns that a turn of its program is refused for good, and ends it. Without it, programs that are all refused
would follow one another without end at one instant."""


@dataclass(slots=True, eq=False)
class _Turn:
    """One request, from its arrival to its end."""

    program: RunningProgram
    beside: bool
    arrived_s: float
    admitted_s: float | None = None
    engine: str = ""


class Driver:
    """One simulation; ``run`` may be called again to go on from where it stopped."""

    def __init__(
        self,
        policy: Policy,
        specs: Sequence[EngineSpec],
        *,
        successors: Iterable[Script] = (),
        limits: Limits | None = None,
        faults: Faults = NO_FAULTS,
    ) -> None:
        """Nothing is under way yet.

        Args:
            policy: belongs to this simulation.
            specs: one per engine; its usable tokens are the capacity that the scheduler is told.
            successors: whenever a program is over, the next of these begins.
            limits: of the scheduler.
            faults: what goes wrong.
        """
        self.agenda = Agenda()
        self.scheduler = Scheduler(policy, limits)
        self.stations = {
            f"engine-{index}": Station(SimulatedEngine(spec), self.agenda, self._on_engine_event)
            for index, spec in enumerate(specs)
        }
        self.finished_turns: list[FinishedTurn] = []
        self.programs: list[RunningProgram] = []
        """All that have begun, in order of birth."""
        self._successors: Iterator[Script] = iter(successors)
        self._faults = faults
        self._turns: dict[int, _Turn] = {}
        """That wait or run, by id."""
        self._put_off: set[_Turn] = set()
        """Refused for now: they are asked again."""
        self._by_id: dict[str, RunningProgram] = {}
        """All programs; the scheduler may give hints about one that is over, whose client never told."""
        self._turn_ids = 0
        self._names: dict[str, int] = {}
        self._name_count = 0
        self._under_way = 0
        self._wake_id = 0
        self.begin_window()
        for backend_id in self.stations:
            self._join(backend_id)
        for death in faults.deaths:
            self.agenda.at(death.at_s, lambda death=death: self._die(death))  # type: ignore[misc]

    def begin(self, script: Script, at_s: float | None = None) -> None:
        """A program begins, now or later."""
        self._under_way += 1
        if at_s is None:
            self._begin(script)
        else:
            self.agenda.at(at_s, lambda: self._begin(script))

    def run(self, until_s: float) -> None:
        """Go on to a simulated time, or until all programs are over."""
        self.agenda.run(until_s, lambda: not self._under_way)

    def begin_window(self) -> None:
        """Measure from now on: what was before is warm-up."""
        self._since_s, self._turns_before = self.agenda.now_s, len(self.finished_turns)
        self._reprefilled_before, self._preemptions_before = self._totals()

    def outcome(self) -> Outcome:
        """What has happened since the window began."""
        now_s = self.agenda.now_s
        reprefilled_tokens, preemptions = self._totals()
        return Outcome(
            since_s=self._since_s,
            until_s=now_s,
            engines=len(self.stations),
            turns=self.finished_turns[self._turns_before :],
            open_turns=[
                OpenTurn(turn.program.number, turn.beside, turn.arrived_s, turn.admitted_s)
                for turn in (*self._turns.values(), *self._put_off)
            ],
            reprefilled_tokens=reprefilled_tokens - self._reprefilled_before,
            preemptions=preemptions - self._preemptions_before,
            programs=[
                ProgramSpan(p.number, p.script.program_id, p.script.group, p.began_s, p.ended_s, p.refused) for p in self.programs
            ],
        )

    def _totals(self) -> tuple[int, int]:
        counters = [station.engine.counters for station in self.stations.values()]
        return sum(c.reprefilled_tokens for c in counters), sum(c.preemptions for c in counters)

    # Programs

    def _begin(self, script: Script) -> None:
        program = RunningProgram(script, len(self.programs), self.agenda.now_s, self._name)
        self.programs.append(program)
        self._by_id[script.program_id] = program
        self._ask_all(program)

    def _name(self, key: str) -> int:
        """A base for the names of blocks: that of a shared start, or, without a key, a new one."""
        known = self._names.get(key) if key else None
        if known is None:
            self._name_count += 1
            known = self._name_count * BLOCKS_PER_NAME
            if key:
                self._names[key] = known
        return known

    def _ask_all(self, program: RunningProgram) -> None:
        program.unfinished = 1 + program.turn.beside
        for index in range(program.unfinished):
            self._ask(_Turn(program, index > 0, self.agenda.now_s))

    def _ask(self, turn: _Turn) -> None:
        self._put_off.discard(turn)
        self._turn_ids += 1
        self._turns[self._turn_ids] = turn
        script = turn.program.script
        self.tell(
            TurnArrived(
                script.program_id,
                self._turn_ids,
                self._faults.tokens(turn.program.prompt_tokens),
                script.group,
                prefix=script.prefix,
                prefix_tokens=self._faults.tokens(script.prefix_tokens),
            )
        )

    def _turn_over(self, program: RunningProgram) -> None:
        """A request is over; the program goes on after the last of a turn."""
        program.unfinished -= 1
        if program.unfinished or program.refused:
            return
        if program.is_last_turn:
            self._over(program)
        else:
            self.agenda.at(self.agenda.now_s + program.turn.tool_s, lambda: self._after_tool(program))

    def _after_tool(self, program: RunningProgram) -> None:
        program.next_turn()
        self._ask_all(program)

    def _over(self, program: RunningProgram) -> None:
        self._under_way -= 1
        program.ended_s = self.agenda.now_s
        if program.script.released:
            self.tell(ProgramReleased(program.script.program_id))
        following = next(self._successors, None)
        if following is not None:
            self.begin(following)

    # The scheduler

    def tell(self, event: SchedulerEvent) -> None:
        """The scheduler learns of something now."""
        for effect in self.scheduler.handle(event, self.agenda.now_s):
            self._carry_out(effect)

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Admit():
                self._submit(effect)
            case WakeAt():
                self._wake_id += 1
                wake_id = self._wake_id
                self.agenda.at(max(effect.at_s, self.agenda.now_s), lambda: self._wake(wake_id))
            case Abort():
                self.stations[effect.backend_id].abort(str(effect.turn_id))
                turn = self._turns.pop(effect.turn_id)
                self._ask(_Turn(turn.program, turn.beside, turn.arrived_s))
            case Refuse():
                turn = self._turns.pop(effect.turn_id)
                if effect.retry_after_s is None:
                    self._give_up(turn.program)
                else:
                    self._put_off.add(turn)
                    self.agenda.at(self.agenda.now_s + effect.retry_after_s, lambda: self._ask(turn))
            case Demote() | Free():
                self._hint(effect)
            case _:  # a parked turn waits for its Admit, and there are no sandboxes
                pass

    def _submit(self, effect: Admit) -> None:
        turn, station = self._turns[effect.turn_id], self.stations[effect.backend_id]
        program, spec = turn.program, station.engine.spec
        prompt_tokens, output_tokens = program.prompt_tokens, program.turn.output_tokens
        if prompt_tokens + output_tokens > spec.usable_tokens:  # engines answer such a request with an error
            del self._turns[effect.turn_id]
            self.agenda.at(self.agenda.now_s, lambda: self.tell(TurnEnded(effect.turn_id)))
            self._give_up(program)
            return
        turn.admitted_s, turn.engine = self.agenda.now_s, effect.backend_id
        chain = program.chain(spec.block_size_tokens, beside=turn.beside)
        station.submit_chain(str(effect.turn_id), chain, prompt_tokens, output_tokens, priority=effect.priority)

    def _give_up(self, program: RunningProgram) -> None:
        """A turn of it can never run, nor can those beside it, which are as long: its client ends it."""
        if not program.refused:
            program.refused = True
            self.agenda.at(self.agenda.now_s + GIVING_UP_S, lambda: self._over(program))

    def _hint(self, effect: Demote | Free) -> None:
        station = self.stations[effect.backend_id]
        chain, shared_blocks = self._by_id[effect.program_id].own_chain(station.engine.spec.block_size_tokens)
        if isinstance(effect, Demote):
            station.demote(chain, shared_blocks)
        else:
            station.free(chain, shared_blocks)

    def _wake(self, wake_id: int) -> None:
        if wake_id == self._wake_id:  # a later WakeAt replaces it
            self.tell(TimerFired())

    # The engines

    def _join(self, backend_id: str) -> None:
        spec = self.stations[backend_id].engine.spec
        host_tokens = 0 if spec.host_capacity_tokens == float("inf") else int(spec.host_capacity_tokens)
        self.tell(BackendJoined(backend_id, self._faults.capacity_tokens(spec.usable_tokens), host_tokens))

    def _die(self, death: Death) -> None:
        backend_id = f"engine-{death.engine}"
        self.tell(BackendLeft(backend_id))
        self.stations[backend_id].engine.reset_prefix_cache()
        self.agenda.at(self.agenda.now_s + death.down_s, lambda: self._join(backend_id))

    def _on_engine_event(self, event: events.Event) -> None:
        turn_id = int(event.request_id)
        if turn_id not in self._turns:  # its engine died during this step
            return
        if isinstance(event, events.FirstToken):
            self.tell(FirstToken(turn_id))
        elif isinstance(event, events.Finished):
            self._finished(turn_id, event.record)

    def _finished(self, turn_id: int, record: events.RequestRecord) -> None:
        turn, now_s = self._turns.pop(turn_id), self.agenda.now_s
        assert turn.admitted_s is not None
        program = turn.program
        self.finished_turns.append(
            FinishedTurn(
                program.number,
                turn.beside,
                turn.engine,
                turn.arrived_s,
                turn.admitted_s,
                turn.admitted_s + record.queued_s,
                now_s,
                record.prompt_tokens,
                record.cached_tokens,
                record.completion_tokens,
                record.prefill_s,
                program.turn.tool,
            )
        )
        usage = Usage(record.prompt_tokens, record.completion_tokens, record.cached_tokens, record.prefill_s)
        self.tell(TurnEnded(turn_id, self._faults.usage(usage, now_s), program.turn.tool))
        self._turn_over(program)
