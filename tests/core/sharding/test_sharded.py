"""Many schedulers as one: whatever happens, in whatever order, nothing is lost between them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

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
    Effect,
    Event,
    FirstToken,
    HealthChanged,
    KvResident,
    Limits,
    Park,
    Policy,
    PrepareTools,
    ProgramReleased,
    Progress,
    ReclaimTools,
    Refuse,
    RefuseCause,
    Scheduler,
    Status,
    ThunderPolicy,
    TimerFired,
    TurnArrived,
    TurnCancelled,
    TurnEnded,
    Usage,
    WakeAt,
    WeightSyncBegan,
    WeightSyncEnded,
)
from thunderagent.core.sharding import ShardedScheduler
from thunderagent.errors import ContractError, IllegalEvent


def shard_of(backend_id: str) -> str:
    return backend_id.partition("/")[0]


class Host:
    """Sends events, keeps effects."""

    def __init__(self, *backends: str, capacity: int = 100_000, limits: Limits | None = None, **more: Any) -> None:
        self.scheduler = ShardedScheduler(lambda _: Scheduler(ThunderPolicy(), limits), shard_of, **more)
        self.now = 0.0
        self.turns = 0
        for backend in backends:
            self.send(BackendJoined(backend, capacity))

    def send(self, event: Event) -> tuple[Effect, ...]:
        effects = self.scheduler.handle(event, self.now)
        self.scheduler.check_invariants()
        return effects

    def arrive(self, program: str, tokens: int = 1_000, **more: Any) -> tuple[Effect, ...]:
        self.turns += 1
        return self.send(TurnArrived(program, self.turns, tokens, **more))

    def turn(self, program: str, tokens: int = 1_000, **more: Any) -> str:
        """A whole turn; where it ran."""
        (admitted,) = [effect for effect in self.arrive(program, tokens, **more) if isinstance(effect, Admit)]
        self.send(TurnEnded(self.turns, Usage(tokens, 0)))
        return shard_of(admitted.backend_id)


def test_programs_spread_over_the_shards_and_stay_there() -> None:
    host = Host("a/0", "a/1", "b/0", "b/1")
    homes = {f"p{number}": host.turn(f"p{number}") for number in range(40)}
    assert set(homes.values()) == {"a", "b"}
    assert all(host.turn(program) == home for program, home in homes.items())
    assert host.scheduler.moved == 0
    host.send(ProgramReleased("p0"))
    assert host.scheduler.scheduler_of("p0") is None
    assert host.scheduler.scheduler_of("p1") is host.scheduler.shards[homes["p1"]].scheduler


def test_a_group_is_together() -> None:
    host = Host(*(f"{shard}/0" for shard in "abcdef"))
    assert len({host.turn(f"g/{member}", group="g") for member in range(4)}) == 1


def test_what_held_kv_stays_when_a_shard_joins_and_what_holds_none_goes_where_it_belongs() -> None:
    host = Host("a/0", "a/1")
    programs = [f"p{number}" for number in range(60)]
    for program in programs:
        host.turn(program)
    host.send(BackendJoined("b/0", 100_000))
    host.send(BackendJoined("b/1", 100_000))
    assert {host.turn(program) for program in programs} == {"a"}
    for program in programs:
        host.send(BackendAvoided(program, "a/0"))  # as a way to take its KV from it
        host.send(BackendAvoided(program, "a/1"))
    scheduler = host.scheduler.shards["a"].scheduler
    assert {program.status for program in scheduler.programs.values()} == {Status.PAUSED}
    homes = [host.turn(program) for program in programs]
    assert 0 < homes.count("b") == host.scheduler.moved < 60
    assert host.scheduler.counters.released == 0
    assert host.scheduler.counters.turns == 180


def test_a_program_that_moves_neither_ends_nor_begins_for_its_sandboxes() -> None:
    host = Host("a/0", "b/0")
    home = host.turn("p")
    host.send(BackendLeft(f"{home}/0"))
    effects = host.arrive("p")
    assert host.scheduler.moved == 1
    assert not [effect for effect in effects if isinstance(effect, PrepareTools | ReclaimTools)]


def test_a_program_that_moves_to_where_it_is_refused_is_over() -> None:
    host = Host("a/0", "b/0", capacity=50_000)
    home = host.turn("p")
    host.send(BackendLeft(f"{home}/0"))
    effects = host.arrive("p", 60_000)
    assert [effect for effect in effects if isinstance(effect, Refuse)]
    assert [effect for effect in effects if isinstance(effect, ReclaimTools)] == [ReclaimTools("p")]
    assert host.scheduler.placement.homes == {}


def test_the_turns_of_a_shard_that_leaves_go_on_elsewhere() -> None:
    host = Host("a/0", "b/0")
    (admit,) = [effect for effect in host.arrive("p") if isinstance(effect, Admit)]
    assert Abort(1, admit.backend_id) in host.send(BackendLeft(admit.backend_id))
    assert host.turn("p", retry=True) != shard_of(admit.backend_id)


def test_without_any_engine_turns_are_refused_and_leave_no_trace() -> None:
    host = Host()
    (refusal,) = host.arrive("p")
    assert isinstance(refusal, Refuse)
    assert (refusal.cause, refusal.retry_after_s) == (RefuseCause.NO_BACKEND, 5.0)
    assert host.scheduler.placement.homes == {}
    host.send(BackendJoined("a/0", 100_000))
    assert host.turn("p") == "a"


def test_larger_engines_get_more() -> None:
    host = Host(usual_tokens=10_000)
    host.send(BackendJoined("small/0", 40_000))
    host.send(BackendJoined("large/0", 160_000))
    host.send(BackendJoined("unknown/0", None))
    for number in range(210):
        host.arrive(f"p{number}", 10)
    programs = host.scheduler.placement.programs
    assert programs("large") > 2 * programs("small") > 2 * programs("unknown") > 0


@pytest.mark.parametrize("tokens", [0, -5])
def test_an_engine_of_no_size_is_no_measure(tokens: int) -> None:
    with pytest.raises(ContractError, match="usual_tokens is"):
        Host(usual_tokens=tokens)


def test_an_engine_that_tells_of_an_absurd_capacity_weighs_as_much_as_can_be() -> None:
    host = Host(usual_tokens=10_000)
    host.send(BackendJoined("a/0", 10**12))
    assert host.turn("p") == "a"


def test_a_shard_that_joins_during_a_weight_sync_holds_turns_back_too() -> None:
    host = Host()
    host.send(WeightSyncBegan())
    host.send(BackendJoined("a/0", 100_000))
    assert host.scheduler.syncing
    (park,) = host.arrive("p")
    assert park == Park(1, park.reason)  # type: ignore[attr-defined]
    assert host.scheduler.waiting_turns == 1
    assert [type(effect) for effect in host.send(WeightSyncEnded())] == [PrepareTools, Admit]


def test_the_host_is_asked_for_the_earliest_of_all_timers() -> None:
    host = Host("a/0", "b/0", limits=Limits(idle_ttl_s=100.0))
    asked = []
    for number in range(20):
        host.now = float(number)
        effects = host.arrive(f"p{number}")
        effects += host.send(TurnEnded(host.turns, Usage(1_000, 0)))
        asked += [effect.at_s for effect in effects if isinstance(effect, WakeAt)]
    assert asked == [100.0]
    host.now = 99.0
    assert host.send(TimerFired()) == (WakeAt(100.0),), "too early: it is asked for again"
    host.now = 100.0
    assert host.send(TimerFired()) == (ReclaimTools("p0"), WakeAt(101.0))
    host.now = 119.5
    over = [effect for effect in host.send(TimerFired()) if isinstance(effect, ReclaimTools)]
    assert len(over) == 19
    assert host.scheduler.placement.homes == {}


def test_what_contradicts_a_turn_is_an_error_and_changes_nothing() -> None:
    host = Host("a/0", "b/0")
    host.arrive("p")
    with pytest.raises(IllegalEvent, match="turn 1 is running, it must be new"):
        host.send(TurnArrived("other", 1, 5))
    with pytest.raises(ContractError, match="is no event"):
        host.send("nonsense")  # type: ignore[arg-type]
    host.scheduler.check_invariants()
    assert list(host.scheduler.placement.homes) == ["p"]


def test_what_is_not_known_is_counted_as_late() -> None:
    host = Host("a/0")
    late = [TurnEnded(9), TurnCancelled(9), FirstToken(9), Progress(9, 1), ProgramReleased("x"), BackendLeft("x/0")]
    late += [CapacityChanged("x/0", 5), HealthChanged("a/1", True), BackendAvoided("x", "a/0"), CacheLost("x/0")]
    for event in [*late, KvResident("x", "a/0", 5)]:
        host.send(event)
    assert host.scheduler.counters.late_events == 11


programs = st.sampled_from(["g_0", "g_1", "g_2", "h_0", "h_1", "lone", "other"])
backends = st.sampled_from(["a/0", "a/1", "b/0", "c/0"])


class ShardedMachine(RuleBasedStateMachine):
    """Sends events as a host would, and follows the effects with a model of its own."""

    make_policy: Callable[[], Policy] = ThunderPolicy

    def __init__(self) -> None:
        super().__init__()
        limits = Limits(idle_ttl_s=300.0, max_programs=4, max_sync_s=200.0)
        self.scheduler = ShardedScheduler(lambda _: Scheduler(type(self).make_policy(), limits), shard_of)
        self.now = 0.0
        self.next_turn = 0
        self.waiting: dict[int, str] = {}
        self.running: dict[int, tuple[str, str]] = {}
        self.prepared: set[str] = set()
        self.alarm_s: float | None = None
        self.send(BackendJoined("a/0", 20_000))

    def send(self, event: Event) -> None:
        for effect in self.scheduler.handle(event, self.now):
            match effect:
                case Admit(turn_id, backend_id):
                    self.running[turn_id] = (self.waiting.pop(turn_id), backend_id)
                case Refuse(turn_id):
                    del self.waiting[turn_id]
                case Park(turn_id):
                    assert turn_id in self.waiting
                case Abort(turn_id, backend_id):
                    assert self.running.pop(turn_id)[1] == backend_id
                case PrepareTools(program_id):
                    assert program_id not in self.prepared, "a program begins once"
                    self.prepared.add(program_id)
                case ReclaimTools(program_id):
                    self.prepared.remove(program_id)
                    self.running = {turn: where for turn, where in self.running.items() if where[0] != program_id}
                case WakeAt(at_s):
                    self.alarm_s = at_s

    @rule(program=programs, size=st.integers(0, 12_000), priority=st.integers(-1, 1), retry=st.booleans())
    def arrive(self, program: str, size: int, priority: int, retry: bool) -> None:
        self.next_turn += 1
        self.waiting[self.next_turn] = program
        group = program.partition("_")[0] if "_" in program else ""
        self.send(TurnArrived(program, self.next_turn, size, group, priority=priority, retry=retry))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), prompt=st.integers(0, 12_000), failed=st.booleans())
    def end(self, data: st.DataObject, prompt: int, failed: bool) -> None:
        turn = data.draw(st.sampled_from(sorted(self.running)))
        self.send(FirstToken(turn))
        self.send(Progress(turn, 50))
        del self.running[turn]
        self.send(TurnEnded(turn, None if failed else Usage(prompt, 100)))

    @precondition(lambda self: self.running or self.waiting)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        turn = data.draw(st.sampled_from(sorted({*self.running, *self.waiting})))
        self.running.pop(turn, None)
        self.waiting.pop(turn, None)
        self.send(TurnCancelled(turn))

    @rule(program=programs)
    def release(self, program: str) -> None:
        self.send(ProgramReleased(program))

    @rule(backend=backends, capacity=st.one_of(st.none(), st.integers(0, 40_000)))
    def join(self, backend: str, capacity: int | None) -> None:
        self.send(BackendJoined(backend, capacity))

    @rule(backend=backends)
    def leave(self, backend: str) -> None:
        self.send(BackendLeft(backend))

    @rule(backend=backends, healthy=st.booleans())
    def health(self, backend: str, healthy: bool) -> None:
        self.send(HealthChanged(backend, healthy))

    @rule(backend=backends, capacity=st.integers(0, 40_000))
    def resize(self, backend: str, capacity: int) -> None:
        self.send(CapacityChanged(backend, capacity))
        self.send(CacheLost(backend))

    @rule(program=programs, backend=backends)
    def avoid(self, program: str, backend: str) -> None:
        self.send(KvResident(program, backend, 5))
        self.send(BackendAvoided(program, backend))

    @rule(begin=st.booleans(), kv_lost=st.booleans())
    def weight_sync(self, begin: bool, kv_lost: bool) -> None:
        self.send(WeightSyncBegan() if begin else WeightSyncEnded(kv_lost))

    @rule(seconds=st.floats(0, 200))
    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        for _ in range(1_000):
            if self.alarm_s is None or self.alarm_s > until:
                break
            self.now, self.alarm_s = max(self.now, self.alarm_s), None
            self.send(TimerFired())
        else:
            raise AssertionError("the scheduler asks for timers without end")
        self.now = until

    @rule(seconds=st.sampled_from([-3_600.0, 3_600.0, math.nan]))
    def jump(self, seconds: float) -> None:
        before, self.now = self.now, self.now + seconds
        self.send(TimerFired())
        self.now = before if math.isnan(seconds) else self.now
        self.send(TimerFired())

    @invariant()
    def all_is_true(self) -> None:
        self.scheduler.check_invariants()

    @invariant()
    def all_agree_on_what_waits_and_runs(self) -> None:
        assert self.scheduler.waiting_turns == len(self.waiting)
        running = {
            turn.id: (program.id, "" if program.backend is None else program.backend.id)
            for shard in self.scheduler.shards.values()
            for program in shard.scheduler.programs.values()
            for turn in program.running
        }
        assert running == self.running

    @invariant()
    def the_sandboxes_of_every_living_program_are_kept_and_no_others(self) -> None:
        living = {name for shard in self.scheduler.shards.values() for name in shard.scheduler.programs}
        assert self.prepared == living


def machine(make_policy: Callable[[], Policy]) -> Any:
    case = type("Machine", (ShardedMachine,), {"make_policy": staticmethod(make_policy)}).TestCase
    case.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
    return case


TestThunder = machine(lambda: ThunderPolicy(hints=True, max_wait_s=50.0))
TestDefault = machine(DefaultPolicy)
TestCap = machine(lambda: CapPolicy(programs_per_backend=1, max_wait_s=120.0))


def test_one_shard_does_what_a_lone_scheduler_does() -> None:
    from benchmarks.core.replay import record

    recording = record(ThunderPolicy(), 64, 4, 1_000)
    lone, sharded = Scheduler(ThunderPolicy()), ShardedScheduler(lambda _: Scheduler(ThunderPolicy()), lambda _: "all")
    for event, now in recording.events[:6_000]:
        mine = [effect for effect in sharded.handle(event, now) if not isinstance(effect, WakeAt)]
        assert mine == [effect for effect in lone.handle(event, now) if not isinstance(effect, WakeAt)]
    assert sharded.counters == lone.counters
