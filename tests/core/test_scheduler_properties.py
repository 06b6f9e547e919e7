"""Whatever happens, in whatever order, under every policy: sums are true, nothing is lost, nothing starves an empty backend."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from thunderagent.core import (
    Abort,
    Admit,
    BackendAvoided,
    BackendJoined,
    BackendLeft,
    CacheLost,
    CapacityChanged,
    CapPolicy,
    DefaultPolicy,
    Event,
    FirstToken,
    HealthChanged,
    KvResident,
    Limits,
    Park,
    Policy,
    ProgramReleased,
    Progress,
    ReclaimTools,
    Refuse,
    Scheduler,
    ThunderPolicy,
    TimerFired,
    TrPolicy,
    TurnAdopted,
    TurnArrived,
    TurnCancelled,
    TurnEnded,
    Usage,
    WakeAt,
    WeightSyncBegan,
    WeightSyncEnded,
)
from thunderagent.errors import IllegalEvent

programs = st.sampled_from(["g_0", "g_1", "g_2", "h_0", "h_1", "lone"])
tokens = st.integers(0, 12_000)
backends = st.sampled_from(["a", "b", "c"])
tools = st.sampled_from(["", "bash", "search"])
capacities = st.one_of(st.none(), st.integers(0, 40_000))
odd_numbers = st.sampled_from([-1, -(10**9), math.nan, math.inf])
LIMITS = Limits(idle_ttl_s=300.0, max_programs=5, max_sync_s=200.0)


class SchedulerMachine(RuleBasedStateMachine):
    """Sends events as a host would, and follows the effects with a model of its own."""

    make_policy: Callable[[], Policy] = ThunderPolicy

    def __init__(self) -> None:
        super().__init__()
        self.scheduler = Scheduler(type(self).make_policy(), LIMITS)
        self.now = 0.0
        self.next_turn = 0
        self.waiting: dict[int, str] = {}
        self.running: dict[int, tuple[str, str]] = {}
        self.syncing = False
        self.alarm_s: float | None = None
        self.send(BackendJoined("a", 20_000))

    def send(self, event: Event) -> None:
        may_start = not self.syncing or isinstance(event, WeightSyncEnded | TimerFired)
        for effect in self.scheduler.handle(event, self.now):
            match effect:
                case Admit(turn_id, backend_id):
                    assert may_start, "no turn starts during a weight sync"
                    self.running[turn_id] = (self.waiting.pop(turn_id), backend_id)
                case Refuse(turn_id):
                    del self.waiting[turn_id]
                case Park(turn_id):
                    assert turn_id in self.waiting
                case Abort(turn_id, backend_id):
                    assert self.running.pop(turn_id)[1] == backend_id
                case ReclaimTools(program_id):
                    assert program_id not in self.waiting.values(), "no turn of a program that is over waits"
                    for turn_id in [t for t, (owner, _) in self.running.items() if owner == program_id]:
                        assert isinstance(event, ProgramReleased), "a running program is over by release only"
                        del self.running[turn_id]
                case WakeAt(at_s):
                    self.alarm_s = at_s

    @rule(
        program=programs,
        size=tokens,
        exact=st.booleans(),
        tool=tools,
        priority=st.integers(-1, 1),
        prefix=st.sampled_from(["", "system"]),
    )
    def arrive(self, *, program: str, size: int, exact: bool, tool: str, priority: int, prefix: str) -> None:
        self.next_turn += 1
        self.waiting[self.next_turn] = program
        group = program.partition("_")[0] if "_" in program else ""
        text = {"prompt_tokens": size} if exact else {"prompt_characters": size * 4, "prompt_images": size % 2}
        shared = {"prefix": prefix, "prefix_tokens": 500, "group": group}
        self.send(TurnArrived(program, self.next_turn, tool=tool, priority=priority, **text, **shared))

    @rule(program=programs, backend=backends, size=st.one_of(tokens, odd_numbers), known=st.booleans())
    def adopt(self, *, program: str, backend: str, size: float, known: bool) -> None:
        """A turn runs already; where it cannot be counted, nothing changes but the count of late events."""
        self.next_turn += 1
        turn = min({*self.running, *self.waiting}, default=self.next_turn) if known else self.next_turn
        counters = self.scheduler.counters
        adopted, arrived, admitted = counters.adopted, counters.turns, counters.admitted
        waited = sum(owner == program for owner in self.waiting.values())
        self.send(TurnAdopted(program, turn, prompt_characters=size, group="g", backend_id=backend))  # type: ignore[arg-type]
        assert counters.turns == arrived
        if counters.adopted > adopted:
            self.running[turn] = (program, backend)
            assert counters.admitted >= admitted + waited - sum(owner == program for owner in self.waiting.values())

    @precondition(lambda self: self.running)
    @rule(data=st.data(), size=tokens, cached=st.one_of(st.none(), st.integers(0, 12_000)), tool=tools)
    def end(self, data: st.DataObject, size: int, cached: int | None, tool: str) -> None:
        turn = data.draw(st.sampled_from(sorted(self.running)))
        del self.running[turn]
        self.send(TurnEnded(turn, Usage(size, 10, None if cached is None else min(cached, size), 0.5), tool))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), odd=st.one_of(st.none(), odd_numbers))
    def fail(self, data: st.DataObject, odd: float | None) -> None:
        turn = data.draw(st.sampled_from(sorted(self.running)))
        del self.running[turn]
        self.send(TurnEnded(turn, None if odd is None else Usage(odd, 10)))  # type: ignore[arg-type]

    @precondition(lambda self: self.running)
    @rule(data=st.data(), size=st.one_of(tokens, odd_numbers))
    def grow(self, data: st.DataObject, size: float) -> None:
        turn = data.draw(st.sampled_from(sorted(self.running)))
        self.send(FirstToken(turn))
        self.send(Progress(turn, size))  # type: ignore[arg-type]

    @precondition(lambda self: self.running or self.waiting)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        turn = data.draw(st.sampled_from(sorted({*self.waiting, *self.running})))
        self.waiting.pop(turn, None)
        self.running.pop(turn, None)
        self.send(TurnCancelled(turn))

    @rule(program=programs)
    def release(self, program: str) -> None:
        self.send(ProgramReleased(program))

    @rule(backend=backends, capacity=capacities, host=st.integers(0, 20_000))
    def join(self, backend: str, capacity: int | None, host: int) -> None:
        self.send(BackendJoined(backend, capacity, host))

    @rule(backend=backends, capacity=st.one_of(capacities, odd_numbers))
    def change_capacity(self, backend: str, capacity: int | None) -> None:
        self.send(CapacityChanged(backend, capacity))

    @rule(backend=backends)
    def leave(self, backend: str) -> None:
        self.send(BackendLeft(backend))

    @rule(backend=backends, healthy=st.booleans(), lost=st.booleans())
    def change_health(self, backend: str, healthy: bool, lost: bool) -> None:
        self.send(CacheLost(backend) if lost else HealthChanged(backend, healthy))

    @rule(program=programs, backend=backends, size=st.one_of(st.none(), tokens, odd_numbers))
    def tell_what_is_there(self, program: str, backend: str, size: float | None) -> None:
        self.send(KvResident(program, backend, size))  # type: ignore[arg-type]

    @rule(program=programs, backend=backends)
    def avoid(self, program: str, backend: str) -> None:
        self.send(BackendAvoided(program, backend))

    @rule(begin=st.booleans(), kv_lost=st.booleans())
    def weight_sync(self, begin: bool, kv_lost: bool) -> None:
        self.send(WeightSyncBegan() if begin else WeightSyncEnded(kv_lost))
        self.syncing = begin

    @rule(seconds=st.floats(0, 100))
    def wait(self, seconds: float) -> None:
        """Time passes; the host sends the timer when it is due."""
        until = self.now + seconds
        for _ in range(1_000):
            if self.alarm_s is None or self.alarm_s > until:
                break
            self.now, self.alarm_s = max(self.now, self.alarm_s), None
            self.send(TimerFired())
            self.syncing = self.scheduler.syncing
        else:
            raise AssertionError("the scheduler asks for timers without end")
        self.now = until

    @rule(seconds=st.sampled_from([-3_600.0, -0.001, 3_600.0, math.nan]))
    def jump(self, seconds: float) -> None:
        """The host's clock jumps; nobody had a chance to act meanwhile."""
        before = self.now
        self.now = before + seconds
        self.send(TimerFired())
        self.now = before if math.isnan(seconds) else self.now
        self.send(TimerFired())
        self.syncing = self.scheduler.syncing

    @rule(turn=st.integers(1_000_000, 1_000_010), backend=st.just("nobody"))
    def send_what_is_unknown(self, turn: int, backend: str) -> None:
        late = self.scheduler.counters.late_events
        for event in (
            TurnEnded(turn),
            TurnCancelled(turn),
            FirstToken(turn),
            Progress(turn, 1),
            ProgramReleased(str(turn)),
            BackendLeft(backend),
            CapacityChanged(backend, 5),
            HealthChanged(backend, True),
            BackendAvoided("g_0", backend),
            CacheLost(backend),
            KvResident("g_0", backend, 5),
            KvResident("nobody", "a", 5),
        ):
            self.send(event)
        assert self.scheduler.counters.late_events == late + 12

    @precondition(lambda self: self.running or self.waiting)
    @rule(data=st.data())
    def break_the_contract(self, data: st.DataObject) -> None:
        turn = data.draw(st.sampled_from(sorted({*self.waiting, *self.running})))
        with pytest.raises(IllegalEvent):
            self.scheduler.handle(TurnArrived("again", turn, 5), self.now)
        if turn in self.waiting:
            for event in (TurnEnded(turn), FirstToken(turn), Progress(turn, 5)):
                with pytest.raises(IllegalEvent):
                    self.scheduler.handle(event, self.now)

    @invariant()
    def all_sums_and_indexes_are_true(self) -> None:
        self.scheduler.check_invariants()

    @invariant()
    def the_scheduler_agrees_on_what_waits_and_runs(self) -> None:
        assert self.scheduler.waiting_turns == len(self.waiting)
        running = {turn.id: program.id for program in self.scheduler.programs.values() for turn in program.running}
        assert running == {turn: program for turn, (program, _) in self.running.items()}

    @invariant()
    def a_program_runs_on_one_backend_at_a_time(self) -> None:
        for program in set(self.waiting.values()):
            assert len({where for owner, where in self.running.values() if owner == program}) <= 1

    @invariant()
    def every_parked_program_is_explained(self) -> None:
        explained = self.scheduler.explain_all()
        assert {e.program_id for e in explained} == set(self.waiting.values())
        for explanation in explained:
            alone = self.scheduler.explain(explanation.program_id)
            assert alone == explanation
            assert explanation.waits_for

    @invariant()
    def no_backend_is_idle_while_a_program_that_fits_waits(self) -> None:
        if self.scheduler.policy.tick_s is not None or self.syncing:
            return
        parked = [p for p in self.scheduler.programs.values() if p.waiting]
        for backend in self.scheduler.ledger.backends.values():
            if backend.usable and not backend.programs:
                assert not any(self.scheduler.policy.fits(p, backend, self.now) for p in parked)

    @invariant()
    def no_more_programs_are_tracked_than_allowed(self) -> None:
        assert len(self.scheduler.programs) <= 5


def machine(name: str, make_policy: Callable[[], Policy]) -> type:
    kind = type(name, (SchedulerMachine,), {"make_policy": staticmethod(make_policy)})
    case = kind.TestCase
    case.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
    return case


class DefaultMachine(SchedulerMachine):
    make_policy = DefaultPolicy

    @invariant()
    def default_never_holds_a_turn_back(self) -> None:
        assert self.syncing or not self.waiting


class ThunderMachine(SchedulerMachine):
    @invariant()
    def nothing_idle_is_held_above_the_capacity(self) -> None:
        for backend in self.scheduler.ledger.backends.values():
            if self.scheduler.policy.excess_tokens(backend, self.now) > 0:
                assert not len(backend.acting)


TestDefault = DefaultMachine.TestCase
TestThunder = ThunderMachine.TestCase
TestDefault.settings = TestThunder.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
TestThunderWithAllOptions = machine(
    "AllOptions", lambda: ThunderPolicy(hints=True, group_aware=True, max_wait_s=50.0, resume_below=0.5, pause_above=0.7)
)
TestTr = machine("Tr", lambda: TrPolicy(max_wait_s=50.0))
TestTrPublished = machine("TrPublished", lambda: TrPolicy.published(acting_half_life_s=1.0))
TestCap = machine("Cap", lambda: CapPolicy(programs_per_backend=2, max_wait_s=120.0))
