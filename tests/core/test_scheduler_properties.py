"""Whatever happens, in whatever order: sums are true, nothing is lost, nothing starves an empty backend."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from thunderagent.core import (
    Abort,
    Admit,
    BackendJoined,
    BackendLeft,
    CapacityChanged,
    DefaultPolicy,
    Event,
    ProgramReleased,
    Refuse,
    Scheduler,
    TimerFired,
    TrPolicy,
    TurnArrived,
    TurnCancelled,
    TurnEnded,
    Usage,
    WeightSyncBegan,
    WeightSyncEnded,
)

programs = st.sampled_from(["g_0", "g_1", "g_2", "h_0", "h_1", "lone"])
tokens = st.integers(1, 12_000)
backends = st.sampled_from(["a", "b"])


class SchedulerMachine(RuleBasedStateMachine):
    policy: TrPolicy | DefaultPolicy = TrPolicy(max_wait_s=50.0)

    def __init__(self) -> None:
        super().__init__()
        self.scheduler = Scheduler(self.policy)
        self.now = 0.0
        self.next_turn = 0
        self.waiting: set[int] = set()
        self.running: dict[int, str] = {}
        self.owner: dict[int, str] = {}
        self.syncing = False
        self.send(BackendJoined("a", 20_000))

    def send(self, event: Event) -> None:
        for effect in self.scheduler.handle(event, self.now):
            if isinstance(effect, Admit):
                assert effect.turn_id in self.waiting, "a turn is admitted once, and only while it waits"
                assert not self.syncing or isinstance(event, WeightSyncEnded), "no turn starts during a weight sync"
                self.waiting.discard(effect.turn_id)
                self.running[effect.turn_id] = effect.backend_id
            elif isinstance(effect, Refuse):
                self.waiting.remove(effect.turn_id)
            elif isinstance(effect, Abort):
                assert self.running.pop(effect.turn_id) == effect.backend_id

    @rule(program=programs, size=tokens)
    def arrive(self, program: str, size: int) -> None:
        self.next_turn += 1
        self.waiting.add(self.next_turn)
        self.owner[self.next_turn] = program
        group = program.partition("_")[0] if "_" in program else ""
        self.send(TurnArrived(program, self.next_turn, size, group))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), size=tokens, failed=st.booleans())
    def end(self, data: st.DataObject, size: int, failed: bool) -> None:
        turn = data.draw(st.sampled_from(sorted(self.running)))
        del self.running[turn]
        self.send(TurnEnded(turn, None if failed else Usage(size, 10)))

    @precondition(lambda self: self.running or self.waiting)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        turn = data.draw(st.sampled_from(sorted(self.waiting | set(self.running))))
        self.waiting.discard(turn)
        self.running.pop(turn, None)
        self.send(TurnCancelled(turn))

    @rule(program=programs)
    def release(self, program: str) -> None:
        for turn in [turn for turn in self.running if self.owner[turn] == program]:
            del self.running[turn]
        self.send(ProgramReleased(program))

    @rule(backend=backends, capacity=st.one_of(st.none(), st.integers(5_000, 40_000)))
    def join(self, backend: str, capacity: int | None) -> None:
        self.send(BackendJoined(backend, capacity))

    @rule(backend=backends, capacity=st.integers(5_000, 40_000))
    def change_capacity(self, backend: str, capacity: int) -> None:
        self.send(CapacityChanged(backend, capacity))

    @rule(backend=backends)
    def leave(self, backend: str) -> None:
        self.send(BackendLeft(backend))

    @rule(begin=st.booleans())
    def weight_sync(self, begin: bool) -> None:
        self.send(WeightSyncBegan() if begin else WeightSyncEnded())
        self.syncing = begin

    @rule(seconds=st.floats(0, 100))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.send(TimerFired())

    @invariant()
    def all_sums_and_indexes_are_true(self) -> None:
        self.scheduler.check_invariants()

    @invariant()
    def the_scheduler_agrees_on_what_waits_and_runs(self) -> None:
        assert self.scheduler.waiting_turns == len(self.waiting)
        running = {turn for program in self.scheduler.programs.values() for turn in program.running}
        assert running == set(self.running)

    @invariant()
    def no_backend_is_idle_while_a_turn_waits(self) -> None:
        if self.waiting and not self.syncing:
            assert all(backend.resident for backend in self.scheduler.ledger.backends.values()) or self.head_has_one_place()

    def head_has_one_place(self) -> bool:
        """A program goes where most room is left; an empty small backend may stay empty beside a large one that is fuller."""
        return len(self.scheduler.ledger.backends) > 1


class DefaultMachine(SchedulerMachine):
    policy = DefaultPolicy()

    @invariant()
    def default_never_holds_a_turn_back(self) -> None:
        assert self.syncing or not self.waiting


TestTr = SchedulerMachine.TestCase
TestTr.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestDefault = DefaultMachine.TestCase
TestDefault.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
