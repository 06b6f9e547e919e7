"""What every event does, whatever the policy."""

from __future__ import annotations

from tests.core.reference import fleet, tick
from tests.core.reference.consequences import Consequences
from tests.core.reference.world import Program, Turn
from thunderagent.core import events as ev
from thunderagent.core.effects import Effect, Park, ParkReason, PrepareTools, Refuse, RefuseCause
from thunderagent.core.usage import Usage

NO_BACKEND = (RefuseCause.NO_BACKEND, "no backend is up", 5.0)
"""Cause, reason and advice."""


class Reference(Consequences):
    """Events in, effects out."""

    def handle(self, event: ev.Event, now: float) -> list[Effect]:
        """The effects of one event, ``WakeAt`` left out."""
        self.world.now = now
        self.effects, self.grown, self.arrivals = [], [], []
        match event:
            case ev.TurnArrived():
                self.arrived(event)
            case ev.FirstToken(turn_id):
                for turn in (turn for p in self.world.programs for turn in p.running if turn.id == turn_id):
                    turn.first_token_s = now if turn.first_token_s is None else turn.first_token_s
                return []  # nothing is decided, even where decay has made room since
            case ev.Progress(turn_id, completion):
                self.progressed(turn_id, completion)
            case ev.TurnEnded(turn_id, usage, tool):
                self.ended(turn_id, usage, tool)
            case ev.TurnCancelled(turn_id):
                self.cancelled(turn_id)
            case ev.ProgramReleased(program_id):
                self.released(program_id)
            case ev.WeightSyncBegan():
                self.syncing_since_s = now if self.syncing_since_s is None else self.syncing_since_s
            case ev.WeightSyncEnded(kv_lost):
                self.sync_ended(kv_lost)
            case ev.TimerFired():
                self.timer_fired()
            case _:
                fleet.handle(self, event)
        self.rebalance()
        self.note_empties()
        if self.rules.tick_s is not None and self.next_tick_s is None and self.world.programs and self.syncing_since_s is None:
            self.next_tick_s = now + self.rules.tick_s
        return self.effects

    def due_s(self) -> float | None:
        """When something happens with time alone: by then a timer must have been asked for."""
        expiries = [p.idle_since_s + self.idle_ttl_s for p in self.world.idle()]
        if self.syncing_since_s is not None:
            return min([*expiries, self.syncing_since_s + self.max_sync_s])
        if self.rules.tick_s is not None:
            return min([*expiries, *([] if self.next_tick_s is None else [self.next_tick_s])], default=None)
        forced = [
            p.waiting[0].arrived_s + self.rules.max_wait_s for p in self.world.in_line() if self.rules.max_wait_s is not None
        ]
        look_s = self.rules.next_look_s() if self.world.in_line() else None
        return min([*expiries, *forced, *([] if look_s is None else [look_s])], default=None)

    # Turns

    def arrived(self, event: ev.TurnArrived) -> None:
        """A tool call is over. The turn starts where its program is, else it gets in line; during a sync it is held."""
        program = self.world.program(event.program_id)
        if program is not None and program.since_s is not None and not any(t.program_id == program.id for t in self.world.held):
            self.world.calls.append((event.tool or program.tool, self.world.now - program.since_s))
        if self.syncing_since_s is not None:
            self.world.held.append(event)
            self.effects.append(Park(event.turn_id, ParkReason.WEIGHT_SYNC))
        else:
            self.begin(event)

    def begin(self, event: ev.TurnArrived) -> None:
        program, prompt = self.world.program(event.program_id), event.prompt_tokens
        assert prompt is not None, "the reference estimates nothing"
        if not self.world.usable() and not (program and program.running):
            return self.refuse_arrival(event, program, *NO_BACKEND)
        if problem := self.too_large(prompt):
            return self.refuse_arrival(event, program, *problem)
        if program is None:
            if len(self.world.programs) >= self.max_programs:
                if not self.world.idle():
                    busy = f"{self.max_programs} programs are tracked and all are busy"
                    return self.refuse_arrival(event, None, RefuseCause.TOO_MANY_PROGRAMS, busy, NO_BACKEND[2])
                self.tally["evicted"] += 1
                self.end_program(self.world.idle()[0])
            group_chain, chain = self.world.chains(event, prompt)
            program = Program(event.program_id, self.births, event.priority, event.group, group_chain, chain)
            self.births += 1
            self.world.programs.append(program)
            self.effects.append(PrepareTools(program.id))
        if program.backend is not None and not program.backend.usable and not program.running:
            self.leave_backend(program)
        turn = Turn(event.turn_id, prompt, self.world.now)
        if program.backend is not None:
            self.go_on(program, turn)
        else:
            program.waiting.append(turn)
            program.since_s, program.paused_in_call = None, False
            self.size_by_line(program)
            self.arrivals.append((program, turn))
        return None

    def refuse_arrival(
        self, event: ev.TurnArrived, program: Program | None, cause: RefuseCause, reason: str, retry_after_s: float | None
    ) -> None:
        self.effects.append(Refuse(event.turn_id, cause, reason, retry_after_s))
        self.settle(program)

    def go_on(self, program: Program, turn: Turn) -> None:
        """A resident's next turn starts at once; parallel turns share the longest context."""
        backend = program.backend
        assert backend is not None, "it is resident"
        if not program.running and program.cache == backend.cache:
            turn.promised = program.last_prompt
        program.context = max(turn.prompt, program.context if program.running else program.shared)
        program.since_s = None
        self.start(program, turn)
        self.grew(backend)

    def progressed(self, turn_id: int, completion: int) -> None:
        if known := self.world.turn(turn_id):
            program, turn = known
            if turn.prompt + completion > program.context and program.backend is not None:
                program.context = turn.prompt + completion
                self.grew(program.backend)

    def ended(self, turn_id: int, usage: Usage | None, tool: str) -> None:
        """Exact counts replace what was assumed; of parallel turns that still run the longest context counts."""
        if known := self.world.turn(turn_id):
            program, turn = known
            program.tool = tool
            context = program.context
            if usage is not None:
                fleet.note_usage(self, program, turn, usage)
                program.last_prompt = usage.prompt_tokens
                least = program.context if len(program.running) > 1 else program.shared
                context = max(usage.context_tokens, least)
            self.end_running(program, turn, context)

    def end_running(self, program: Program, turn: Turn, context: int) -> None:
        backend = program.backend
        assert backend is not None, "a turn of it ran"
        program.running.remove(turn)
        program.context = context
        self.grew(backend)
        if program.running:
            return
        was_marked, program.marked = program.marked, False
        program.since_s = program.idle_since_s = self.world.now
        program.cache, program.writes_seen, program.told = backend.cache, len(backend.writes), []
        program.look_s = self.rules.first_look_s(program, backend)
        if not self.rules.sticky:
            self.leave_backend(program)
        elif was_marked and not self.rules.stays(backend):
            self.pause(program)

    def cancelled(self, turn_id: int) -> None:
        """Its caller has left: waiting turns go without a trace, running ones end with what is known."""
        held = [t for t in self.world.held if t.turn_id == turn_id]
        if held:
            self.world.held.remove(held[0])
            self.settle(self.world.program(held[0].program_id))
        elif known := self.world.turn(turn_id):
            program, turn = known
            if turn in program.waiting:
                self.withdraw(program, turn)
            else:
                self.end_running(program, turn, program.context)

    # Programs

    def released(self, program_id: str) -> None:
        """Its held and waiting turns are refused; the siblings that live know that one has finished."""
        for arrival in [t for t in self.world.held if t.program_id == program_id]:
            self.world.held.remove(arrival)
            self.effects.append(Refuse(arrival.turn_id, RefuseCause.RELEASED, "its program was released"))
        program = self.world.program(program_id)
        if program is not None:
            self.end_program(program)
            if any(p.group == program.group for p in self.world.programs):
                self.world.finished.append(program.group)

    # Weight syncs and time

    def sync_ended(self, kv_lost: bool) -> None:
        self.syncing_since_s = None
        if kv_lost:
            for backend in self.world.backends:
                backend.cache = self.new_cache()
        while self.world.held:
            self.begin(self.world.held.pop(0))

    def timer_fired(self) -> None:
        now = self.world.now
        if self.syncing_since_s is not None and now >= self.syncing_since_s + self.max_sync_s:
            self.sync_ended(kv_lost=True)
        for program in [p for p in self.world.idle() if p.idle_since_s + self.idle_ttl_s <= now]:
            self.tally["expired"] += 1
            self.end_program(program)
        if self.next_tick_s is not None and now >= self.next_tick_s:
            self.next_tick_s = None
            tick.tick(self)
