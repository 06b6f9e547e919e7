"""One timer is asked for at a time, for whatever is due first."""

from __future__ import annotations

from tests.core.driver import Driver
from thunderagent.core import Limits, ThunderPolicy, TimerFired, TrPolicy, WakeAt


def test_the_next_oldest_turn_gets_a_timer_of_its_own() -> None:
    driver = Driver(TrPolicy(max_wait_s=60.0), a=10_000)
    driver.arrive("running", 8_000)
    driver.arrive("q", 6_000)
    driver.now = 10.0
    driver.arrive("r", 7_000)
    driver.now = 60.0
    driver.send(TimerFired())
    assert [e.at_s for e in driver.effects if isinstance(e, WakeAt)] == [60.0, 70.0]


def test_no_timer_is_asked_for_when_waits_are_not_bounded() -> None:
    driver = Driver(TrPolicy(max_wait_s=None), a=10_000)
    driver.arrive("running", 8_000)
    driver.arrive("q", 6_000)
    assert not [e for e in driver.effects if isinstance(e, WakeAt)]


def test_a_clock_that_runs_backwards_does_no_harm() -> None:
    driver = Driver(TrPolicy(max_wait_s=60.0), a=10_000)
    driver.now = 100.0
    driver.arrive("running", 8_000)
    waiting = driver.arrive("q", 6_000)
    driver.now = 5.0
    driver.send(TimerFired())
    assert driver.parked(waiting)
    assert driver.scheduler.now_s == 100.0


def test_a_timer_that_fires_early_is_asked_for_again() -> None:
    driver = Driver(ThunderPolicy(), Limits(idle_ttl_s=100.0), a=10_000)
    driver.turn("p", 10)
    driver.now = 99.9
    driver.send(TimerFired())
    assert "p" in driver.scheduler.programs
    assert [effect.at_s for effect in driver.kinds(WakeAt)] == [100.0, 100.0]


def test_an_earlier_wish_replaces_a_later_one() -> None:
    driver = Driver(ThunderPolicy(max_wait_s=30.0), Limits(idle_ttl_s=100.0), a=10_000)
    driver.turn("idle", 10)
    driver.arrive("running", 8_000)
    driver.arrive("parked", 8_000)
    assert driver.kinds(WakeAt) == [WakeAt(100.0), WakeAt(1.5)], "then the idle one has outlasted its break-even time"


def test_an_hour_that_the_process_slept_through_expires_and_forces_nothing() -> None:
    driver = Driver(ThunderPolicy(max_wait_s=60.0), Limits(idle_ttl_s=100.0), a=10_000)
    driver.turn("idle", 2_000)
    driver.arrive("running", 7_000)
    parked = driver.arrive("parked", 7_000)
    driver.now = 3_600.0
    driver.send(TimerFired())
    assert driver.parked(parked)
    assert "idle" in driver.scheduler.programs
    assert driver.scheduler.counters.clock_corrections == 1
    driver.wait(60.0)
    assert driver.admitted_to(parked) == "a", "the wait goes on where it stood"


def test_after_a_step_back_the_timer_is_asked_for_in_the_hosts_new_time() -> None:
    driver = Driver(ThunderPolicy(), Limits(idle_ttl_s=100.0), a=10_000)
    driver.now = 1_000.0
    driver.turn("p", 10)
    driver.now = 0.0
    driver.send(TimerFired())
    assert driver.kinds(WakeAt)[-1] == WakeAt(100.0)
    driver.wait(100.0)
    assert driver.scheduler.programs == {}
