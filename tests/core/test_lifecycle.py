"""Programs come, are released, expire, or make room for others."""

from __future__ import annotations

from tests.core.driver import Driver
from thunderagent.core import (
    BackendJoined,
    Free,
    Limits,
    PrepareTools,
    ReclaimTools,
    Scheduler,
    ThunderPolicy,
    TimerFired,
    TrPolicy,
    TurnArrived,
    TurnEnded,
    Usage,
)


def test_releasing_a_parked_program_refuses_its_turn() -> None:
    """Defect 8: the held request went through untracked."""
    driver = Driver(TrPolicy(), a=10_000)
    driver.arrive("running", 8_000)
    waiting = driver.arrive("q", 6_000)
    driver.release("q")
    refusal = driver.refusal(waiting)
    assert refusal is not None
    assert "released" in refusal.reason


def test_releasing_a_running_program_frees_its_tokens_and_its_late_end_is_ignored() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    turn = driver.arrive("p", 8_000)
    driver.release("p")
    assert driver.scheduler.ledger.backends["a"].private_reasoning_tokens == 0
    assert driver.end(turn, 8_000) == ()
    assert driver.scheduler.counters.late_events == 1


def test_a_program_that_is_never_released_expires_and_only_when_it_is_idle() -> None:
    driver = Driver(ThunderPolicy(max_wait_s=None), Limits(idle_ttl_s=100.0), a=10_000)
    driver.turn("idle", 1_000)
    driver.arrive("running", 8_000)
    parked = driver.arrive("parked", 7_000)
    driver.wait(99.0)
    assert "idle" in driver.scheduler.programs
    driver.wait(1_000.0)
    assert set(driver.scheduler.programs) == {"running", "parked"}
    assert driver.parked(parked)
    assert (driver.scheduler.counters.expired, driver.kinds(ReclaimTools)) == (1, [ReclaimTools("idle")])


def test_nothing_expires_where_that_is_not_wanted() -> None:
    driver = Driver(ThunderPolicy(), Limits(idle_ttl_s=None), a=10_000)
    driver.turn("p", 10)
    driver.wait(1e9)
    assert "p" in driver.scheduler.programs


def test_every_turn_renews_the_time_to_live() -> None:
    driver = Driver(ThunderPolicy(), Limits(idle_ttl_s=100.0), a=10_000)
    for _ in range(5):
        driver.turn("p", 1_000)
        driver.wait(90.0)
    assert "p" in driver.scheduler.programs


def test_beyond_the_limit_the_longest_idle_program_is_forgotten_for_a_new_one() -> None:
    driver = Driver(ThunderPolicy(), Limits(max_programs=2), a=10_000)
    driver.turn("older", 100)
    driver.now = 1.0
    driver.turn("younger", 100)
    driver.turn("new", 100)
    assert set(driver.scheduler.programs) == {"younger", "new"}
    assert driver.scheduler.counters.evicted == 1


def test_when_all_tracked_programs_are_busy_a_new_one_is_refused_for_now() -> None:
    driver = Driver(ThunderPolicy(), Limits(max_programs=1), a=10_000)
    driver.arrive("busy", 100)
    refusal = driver.refusal(driver.arrive("new", 100))
    assert refusal is not None
    assert refusal.reason == "1 programs are tracked and all are busy"
    assert refusal.retry_after_s is not None


def test_tools_are_prepared_at_birth_and_reclaimed_at_the_end() -> None:
    driver = Driver(ThunderPolicy(), a=10_000)
    driver.turn("p", 100)
    driver.turn("p", 200)
    driver.release("p")
    assert driver.kinds(PrepareTools) == [PrepareTools("p")]
    assert driver.kinds(ReclaimTools) == [ReclaimTools("p")]


def test_a_released_program_tells_the_engine_that_its_blocks_are_free_where_hints_are_taken() -> None:
    driver = Driver(ThunderPolicy(hints=True), a=10_000)
    driver.turn("p", 100)
    driver.release("p")
    assert driver.kinds(Free) == [Free("p", "a")]


def test_20_000_programs_that_are_never_released_leave_nothing() -> None:
    """Defect 5 of the public code: they stayed for ever and slowed everything down."""
    scheduler = Scheduler(ThunderPolicy(), Limits(idle_ttl_s=10.0, max_programs=None))
    scheduler.handle(BackendJoined("a", 10_000), 0.0)
    for i in range(20_000):
        now = i * 0.05
        scheduler.handle(TurnArrived(f"p{i}", i, 5), now)
        scheduler.handle(TurnEnded(i, Usage(5, 1)), now)
        if i % 200 == 199:
            scheduler.handle(TimerFired(), now)
    assert len(scheduler.programs) <= 401
    scheduler.handle(TimerFired(), 1_001.0)
    scheduler.handle(TimerFired(), 1_011.0)
    assert scheduler.programs == {}
    assert scheduler.ledger.backends["a"].resident == 0
    scheduler.check_invariants()
