"""Sends the same events to the scheduler and to the reference, as a host would, and compares what they want done."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.core.reference.mechanics import Reference
from tests.core.reference.rules import Rules
from thunderagent.core import Limits, Policy, Scheduler
from thunderagent.core import events as ev
from thunderagent.core.effects import Abort, Admit, ReclaimTools, Refuse, WakeAt
from thunderagent.core.usage import Usage

TTL_S, MAX_PROGRAMS, MAX_SYNC_S = 100.0, 7, 75.0
backends = st.sampled_from(["a", "a", "b", "c"])
programs = st.sampled_from(["g_0", "g_1", "g_2", "g_3", "h_0", "h_1", "lone", "other"])
sizes = st.one_of(
    st.integers(0, 60).map(lambda hundreds: 100 * hundreds), st.sampled_from([500, 3_000, 9_900, 10_000, 10_001, 20_000])
)
"""Many equal ones and sums of them, so that ties and thresholds are met exactly."""
tools = st.sampled_from(["", "bash", "search"])
shares = st.sampled_from([None, 0.0, 0.0, 0.5, 1.0, 1.0])
"""Of a prompt that was cached; None: the engine does not tell."""
capacities = st.sampled_from([10_000, 20_000, 10_000, 20_000, 5_000, 0, None])


class Comparison(RuleBasedStateMachine):
    """One host, two schedulers. Every step is one event."""

    time_unit_s = 0.125
    """Times are multiples of this: differences of them, and sums of differences, are exact in floats."""

    def choose(self, data: st.DataObject) -> tuple[Policy, Rules]:
        """The policy under test and the rules it has to follow."""
        raise NotImplementedError

    @initialize(data=st.data(), first=st.sampled_from([10_000, 20_000]), second=st.sampled_from([0, 5_000, 10_000]))
    def start(self, data: st.DataObject, first: int, second: int) -> None:
        self.begin(*self.choose(data))
        self.send(ev.BackendJoined("a", first))
        if second:
            self.send(ev.BackendJoined("b", second))
        self.prepare(data)

    def begin(self, policy: Policy, model: Rules) -> None:
        """Nothing is there yet."""
        self.model = model
        self.scheduler = Scheduler(policy, Limits(TTL_S, MAX_PROGRAMS, MAX_SYNC_S))
        self.reference = Reference(model, idle_ttl_s=TTL_S, max_programs=MAX_PROGRAMS, max_sync_s=MAX_SYNC_S)
        self.now, self.turns = 0.0, 0
        self.alarm_s: float | None = None
        self.waiting: dict[int, str] = {}
        self.running: dict[int, str] = {}
        self.prompts: dict[int, int] = {}

    def prepare(self, data: st.DataObject) -> None:
        """What happened before the story begins."""

    # The comparison

    def send(self, event: ev.Event) -> None:
        """One event to both; their effects must be the same."""
        if isinstance(event, ev.TimerFired):
            self.alarm_s = None
        effects = self.scheduler.handle(event, self.now)
        assert [e for e in effects if not isinstance(e, WakeAt)] == self.reference.handle(event, self.now)
        for effect in effects:
            match effect:
                case WakeAt(at_s):
                    self.alarm_s = at_s
                case Admit(turn_id):
                    self.running[turn_id] = self.waiting.pop(turn_id)
                case Refuse(turn_id):
                    del self.waiting[turn_id]
                case Abort(turn_id):
                    del self.running[turn_id]
                case ReclaimTools(program_id):
                    self.running = {turn: owner for turn, owner in self.running.items() if owner != program_id}
        due_s = self.reference.due_s()
        assert due_s is None or (self.alarm_s is not None and self.alarm_s <= due_s), f"due at {due_s}, asked for {self.alarm_s}"

    @invariant()
    def both_hold_the_same_programs_in_the_same_places(self) -> None:
        """Pauses without hints have no effects of their own."""
        real = {
            p.id: (p.backend.id if p.backend else None, p.context_tokens, p.shared_tokens, p.marked)
            for p in self.scheduler.programs.values()
        }
        assert real == {
            p.id: (p.backend.id if p.backend else None, p.context, p.shared, p.marked) for p in self.reference.world.programs
        }
        counters = self.scheduler.counters
        tally = {name: getattr(counters, name) for name in ("pauses", "lent", "forced", "expired", "evicted")}
        assert tally == {name: self.reference.tally[name] for name in tally}

    # What a host sends

    def arrive(self, program: str, prompt: int, tool: str = "", priority: int = 0, prefix: str = "") -> int:
        self.turns += 1
        self.waiting[self.turns], self.prompts[self.turns] = program, prompt
        group = program.partition("_")[0] if "_" in program else ""
        prefix_tokens = {"": 0, "system": 500, "long": 3_000}[prefix]
        self.send(
            ev.TurnArrived(
                program, self.turns, prompt, group, tool=tool, priority=priority, prefix=prefix, prefix_tokens=prefix_tokens
            )
        )
        return self.turns

    @rule(
        program=programs,
        size=sizes,
        tool=tools,
        priority=st.sampled_from([0, 0, 0, 1, -1]),
        prefix=st.sampled_from(["", "", "system", "long"]),
    )
    def a_turn_arrives(self, program: str, size: int, tool: str, priority: int, prefix: str) -> None:
        self.arrive(program, size, tool, priority, prefix)

    def go_on(self, program: str, more: int, cached: float | None, tool: str) -> None:
        """A conversation's turn ends as expected, or its next one comes with a little more text."""
        turn = next((turn for turn, owner in self.running.items() if owner == program), None)
        if turn is None:
            known = self.reference.world.program(program)
            self.arrive(program, 100 * more + (known.context if known else 0))
        else:
            prompt = self.prompts[turn]
            del self.running[turn]
            self.send(ev.TurnEnded(turn, Usage(prompt, 100 * more, None if cached is None else int(cached * prompt)), tool))

    @rule(program=programs, more=st.integers(0, 20), cached=shares, tool=tools)
    def a_conversation_goes_on(self, program: str, more: int, cached: float | None, tool: str) -> None:
        self.go_on(program, more, cached, tool)

    @rule(members=st.lists(programs, min_size=2, max_size=5), more=st.integers(1, 30), cached=shares, tool=tools)
    def conversations_go_on(self, members: list[str], more: int, cached: float | None, tool: str) -> None:
        for program in members:
            self.go_on(program, more, cached, tool)

    @rule(program=programs, over=st.integers(0, 1), data=st.data())
    def a_turn_arrives_that_just_fits(self, program: str, over: int, data: st.DataObject) -> None:
        """Or just does not."""
        free = [int(room) for b in self.model.by_load() if 0 <= (room := self.model.free(b)) < float("inf")]
        if free:
            reserve = data.draw(st.sampled_from([0, 100]))
            self.arrive(program, max(0, data.draw(st.sampled_from(free)) - reserve + over))

    @precondition(lambda self: self.running)
    @rule(
        data=st.data(),
        answer=st.integers(0, 20),
        engine=st.tuples(shares, st.sampled_from([None, 0.125, 0.5, 2.0])),
        tool=tools,
        exact=st.booleans(),
    )
    def a_turn_ends(
        self, data: st.DataObject, answer: int, engine: tuple[float | None, float | None], tool: str, exact: bool
    ) -> None:
        """The engine tells which share of the prompt was cached and how long the rest took, or not."""
        cached, prefill_s = engine
        turn = data.draw(st.sampled_from(sorted(self.running)))
        prompt = self.prompts[turn] if exact else data.draw(sizes)
        found = None if cached is None else int(cached * prompt)
        del self.running[turn]
        self.send(ev.TurnEnded(turn, Usage(prompt, 100 * answer, found, prefill_s), tool))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), generated=st.integers(0, 30))
    def a_turn_grows(self, data: st.DataObject, generated: int) -> None:
        turn = data.draw(st.sampled_from(sorted(self.running)))
        if generated % 2:
            self.send(ev.FirstToken(turn))
        self.send(ev.Progress(turn, 100 * generated))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), over=st.integers(0, 1))
    def a_turn_grows_until_its_backend_is_just_full(self, data: st.DataObject, over: int) -> None:
        """Or holds one token too many."""
        turn = data.draw(st.sampled_from(sorted(self.running)))
        program = self.reference.world.program(self.running[turn])
        assert program is not None and program.backend is not None, "it runs"
        room = -self.model.excess(program.backend)
        if 0 < room < float("inf"):
            self.send(ev.Progress(turn, max(0, program.context + int(room) + over - self.prompts[turn])))

    @precondition(lambda self: self.running or self.waiting)
    @rule(data=st.data(), fails=st.booleans(), tool=tools)
    def a_turn_fails_or_its_caller_leaves(self, data: st.DataObject, fails: bool, tool: str) -> None:
        turn = data.draw(st.sampled_from(sorted({*self.waiting, *self.running})))
        fails = fails and turn in self.running
        self.waiting.pop(turn, None)
        self.running.pop(turn, None)
        self.send(ev.TurnEnded(turn, None, tool) if fails else ev.TurnCancelled(turn))

    @rule(program=programs)
    def a_program_is_released(self, program: str) -> None:
        self.send(ev.ProgramReleased(program))

    @rule(backend=backends, capacity=capacities, host=st.sampled_from([0, 0, 4_000, 30_000]))
    def a_backend_joins_or_changes(self, backend: str, capacity: int | None, host: int) -> None:
        known = self.reference.world.backend(backend) is not None
        self.send((ev.CapacityChanged if known else ev.BackendJoined)(backend, capacity, host))

    @rule(backend=backends, what=st.sampled_from(["left", "sick", "well", "well", "lost", "sync", "end", "end", "end", "reset"]))
    def something_happens_to_the_fleet(self, backend: str, what: str) -> None:
        events: dict[str, ev.Event] = {
            "left": ev.BackendLeft(backend),
            "sick": ev.HealthChanged(backend, False),
            "well": ev.HealthChanged(backend, True),
            "lost": ev.CacheLost(backend),
            "sync": ev.WeightSyncBegan(),
            "end": ev.WeightSyncEnded(),
            "reset": ev.WeightSyncEnded(kv_lost=True),
        }
        self.send(events[what])

    @rule(program=programs, backend=backends, there=st.sampled_from([None, 0.0, 0.25, 0.5, 0.5, 1.0]))
    def an_engine_tells_what_is_there(self, program: str, backend: str, there: float | None) -> None:
        """A share of the program's context, whether or not that was written there."""
        known = self.reference.world.program(program)
        context = known.context if known else 100
        self.send(ev.KvResident(program, backend, None if there is None else int(there * context)))

    @rule(program=programs, backend=backends)
    def a_program_avoids_a_backend(self, program: str, backend: str) -> None:
        self.send(ev.BackendAvoided(program, backend))

    @rule(units=st.sampled_from([1, 2, 3, 4, 6, 8, 12, 16, 40, 80, 240, 400]))
    def time_passes(self, units: int) -> None:
        """The timer comes exactly when it was asked for."""
        until_s = self.now + units * self.time_unit_s
        for _ in range(1_000):
            if self.alarm_s is None or self.alarm_s > until_s:
                break
            self.now = max(self.now, self.alarm_s)
            self.send(ev.TimerFired())
        else:
            raise AssertionError("the scheduler asks for timers without end")
        self.now = until_s


def checked(machine: type[Comparison], examples: int) -> type:
    """The test case of a machine."""
    case: type = machine.TestCase
    case.settings = settings(max_examples=examples, stateful_step_count=40, deadline=None)  # type: ignore[attr-defined]
    return case
