"""No turn starts during a weight sync, and none is lost."""

from __future__ import annotations

from tests.core.driver import Driver
from thunderagent.core import (
    Admit,
    BackendLeft,
    Limits,
    Park,
    ParkReason,
    Refuse,
    ThunderPolicy,
    TrPolicy,
    TurnCancelled,
    WeightSyncBegan,
    WeightSyncEnded,
)


def test_turns_that_arrive_during_a_weight_sync_wait_and_keep_their_order() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    driver.turn("resident", 1_000)
    driver.send(WeightSyncBegan())
    first, second = driver.arrive("resident", 1_100), driver.arrive("new", 500)
    assert Park(first, ParkReason.WEIGHT_SYNC) in driver.effects
    assert driver.scheduler.waiting_turns == 2
    driver.send(WeightSyncEnded())
    assert [driver.admitted_to(first), driver.admitted_to(second)] == ["a", "a"]


def test_nothing_is_admitted_from_the_line_during_a_weight_sync() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    driver.arrive("running", 8_000)
    waiting = driver.arrive("q", 6_000)
    driver.send(WeightSyncBegan())
    driver.release("running")
    assert driver.parked(waiting)
    driver.send(WeightSyncEnded())
    assert driver.admitted_to(waiting) == "a"


def test_turns_held_by_a_weight_sync_can_be_cancelled_and_released() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    driver.send(WeightSyncBegan())
    cancelled, released = driver.arrive("p", 10), driver.arrive("q", 10)
    driver.send(TurnCancelled(cancelled))
    effects = driver.release("q")
    assert isinstance(effects[0], Refuse)
    driver.send(WeightSyncEnded())
    assert driver.admitted_to(cancelled) is None
    assert driver.admitted_to(released) is None


def test_begin_and_end_may_be_said_twice() -> None:
    driver = Driver(ThunderPolicy(), a=10_000)
    driver.send(WeightSyncBegan())
    turn = driver.arrive("p", 10)
    driver.send(WeightSyncBegan())
    assert driver.scheduler.syncing
    driver.send(WeightSyncEnded())
    assert not driver.scheduler.syncing
    driver.send(WeightSyncEnded())
    assert driver.admitted_to(turn) == "a"
    assert len(driver.kinds(Admit)) == 1


def test_kv_that_was_lost_is_not_expected_any_more_and_kept_kv_is() -> None:
    for kv_lost in (True, False):
        driver = Driver(ThunderPolicy(), a=100_000)
        driver.turn("p", 5_000)
        driver.send(WeightSyncBegan())
        driver.send(WeightSyncEnded(kv_lost))
        driver.turn("p", 5_100, cached=0)
        assert (driver.backend().fit == 1.0) == kv_lost


def test_a_sync_whose_end_never_comes_is_abandoned_and_turns_start_again() -> None:
    driver = Driver(ThunderPolicy(), Limits(max_sync_s=100.0), a=10_000)
    driver.send(WeightSyncBegan())
    turn = driver.arrive("p", 10)
    driver.wait(99.0)
    assert driver.parked(turn)
    driver.wait(1.0)
    assert driver.admitted_to(turn) == "a"
    assert driver.scheduler.counters.syncs_abandoned == 1


def test_a_sync_may_take_for_ever_where_it_is_not_bounded() -> None:
    driver = Driver(ThunderPolicy(), Limits(max_sync_s=None), a=10_000)
    driver.send(WeightSyncBegan())
    turn = driver.arrive("p", 10)
    driver.wait(1e7)
    assert driver.parked(turn)


def test_a_program_with_a_held_turn_never_expires_and_is_idle_again_when_the_turn_is_cancelled() -> None:
    driver = Driver(ThunderPolicy(), Limits(idle_ttl_s=50.0), a=10_000)
    driver.turn("p", 10)
    driver.send(WeightSyncBegan())
    held, other = driver.arrive("p", 20), driver.arrive("p", 30)
    driver.wait(200.0)
    driver.send(TurnCancelled(held))
    driver.wait(200.0)
    assert "p" in driver.scheduler.programs
    driver.send(TurnCancelled(other))
    driver.wait(60.0)
    assert driver.scheduler.programs == {}


def test_a_turn_that_runs_on_through_the_sync_may_end_in_it_while_another_is_held() -> None:
    driver = Driver(ThunderPolicy(), Limits(idle_ttl_s=50.0), a=10_000)
    running = driver.arrive("p", 10)
    driver.send(WeightSyncBegan())
    held = driver.arrive("p", 20)
    driver.end(running, 10, 5)
    driver.wait(100.0)
    driver.send(WeightSyncEnded())
    assert driver.admitted_to(held) == "a"


def test_a_held_turn_of_an_unknown_program_makes_no_trouble_when_it_is_cancelled_or_its_program_released() -> None:
    driver = Driver(ThunderPolicy(), a=10_000)
    driver.send(WeightSyncBegan())
    cancelled = driver.arrive("p", 10)
    driver.send(TurnCancelled(cancelled))
    released = driver.arrive("q", 10)
    driver.release("q")
    assert driver.refusal(released) is not None
    assert (driver.scheduler.counters.late_events, driver.scheduler.programs) == (0, {})


def test_a_waiting_program_whose_line_turn_is_cancelled_stays_for_its_held_one() -> None:
    driver = Driver(ThunderPolicy(), a=10_000)
    driver.arrive("running", 8_000)
    waiting = driver.arrive("p", 7_000)
    driver.send(WeightSyncBegan())
    held = driver.arrive("p", 100)
    driver.send(TurnCancelled(waiting))
    driver.send(WeightSyncEnded())
    assert driver.admitted_to(held) == "a"


def test_a_backend_that_dies_in_a_sync_takes_the_running_turn_and_leaves_the_held_one() -> None:
    driver = Driver(ThunderPolicy(), Limits(idle_ttl_s=10.0), a=10_000, b=10_000)
    driver.arrive("p", 10)
    driver.send(WeightSyncBegan())
    held = driver.arrive("p", 20)
    driver.send(BackendLeft("a"))
    driver.wait(50.0)
    driver.send(WeightSyncEnded())
    assert driver.admitted_to(held) == "b"


def test_when_the_last_backend_dies_during_a_sync_held_turns_are_refused_at_its_end() -> None:
    driver = Driver(ThunderPolicy(), a=10_000)
    driver.turn("p", 10)
    driver.send(WeightSyncBegan())
    held = driver.arrive("p", 20)
    driver.send(BackendLeft("a"))
    assert driver.parked(held)
    driver.send(WeightSyncEnded())
    assert driver.refusal(held) is not None
