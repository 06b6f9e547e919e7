"""Backends join, leave, change, and lose their caches."""

from __future__ import annotations

from tests.core.driver import Driver
from thunderagent.core import (
    Abort,
    BackendJoined,
    BackendLeft,
    CacheLost,
    CapacityChanged,
    HealthChanged,
    Limits,
    ThunderPolicy,
    TrPolicy,
    TurnCancelled,
)


def test_a_lost_backend_aborts_its_turns_and_its_programs_resume_elsewhere() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    idle_turn = driver.turn("idle", 1_000)
    running = driver.arrive("p", 3_000)
    driver.send(BackendJoined("b", 10_000))
    effects = driver.send(BackendLeft("a"))
    assert effects == (Abort(running, "a"),)
    assert driver.admitted_to(driver.arrive("p", 3_000)) == "b"
    assert driver.admitted_to(driver.arrive("idle", 1_000)) == "b"
    assert driver.admitted_to(idle_turn) == "a"


def test_losing_the_last_backend_refuses_what_waits_and_what_arrives_with_advice_when_to_retry() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    driver.arrive("running", 8_000)
    waiting = driver.arrive("q", 6_000)
    driver.send(BackendLeft("a"))
    late = driver.arrive("r", 10)
    for turn in (waiting, late):
        refusal = driver.refusal(turn)
        assert refusal is not None
        assert refusal.retry_after_s is not None


def test_a_backend_that_joins_again_only_changes_its_capacity() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    driver.arrive("running", 8_000)
    waiting = driver.arrive("q", 6_000)
    driver.send(BackendJoined("a", 20_000))
    assert driver.admitted_to(waiting) == "a"


def test_an_unhealthy_backend_keeps_its_turns_and_gets_no_new_ones() -> None:
    driver = Driver(ThunderPolicy(), a=10_000, b=10_000)
    first = driver.arrive("p", 1_000)
    assert driver.admitted_to(first) == "a"
    driver.send(HealthChanged("a", False))
    assert driver.admitted_to(driver.arrive("p", 1_000)) == "a", "beside a turn that still runs there"
    driver.send(TurnCancelled(first))
    driver.send(TurnCancelled(2))
    assert driver.admitted_to(driver.arrive("p", 1_000)) == "b"
    assert driver.admitted_to(driver.arrive("new", 10)) == "b"
    driver.send(HealthChanged("a", True))
    assert driver.admitted_to(driver.arrive("another", 10)) == "a"


def test_when_no_backend_is_healthy_turns_are_refused_for_now_and_their_programs_stay() -> None:
    driver = Driver(ThunderPolicy(), a=10_000)
    driver.turn("p", 1_000)
    driver.arrive("running", 7_000)
    waiting = driver.arrive("waiting", 7_000)
    driver.send(HealthChanged("a", False))
    for turn in (waiting, driver.arrive("p", 1_100)):
        refusal = driver.refusal(turn)
        assert refusal is not None
        assert (refusal.reason, refusal.retry_after_s) == ("no backend is up", 5.0)
    driver.send(HealthChanged("a", True))
    assert driver.admitted_to(driver.arrive("p", 1_100)) == "a"


def test_a_backend_without_a_cache_yet_takes_no_turns() -> None:
    driver = Driver(ThunderPolicy(), a=0)
    assert driver.refusal(driver.arrive("p", 10)) is not None
    driver.send(CapacityChanged("a", 10_000))
    assert driver.admitted_to(driver.arrive("p", 10)) == "a"
    driver.send(CapacityChanged("a", -5))
    assert driver.scheduler.counters.bad_values == 1
    assert not driver.backend().usable


def test_data_parallel_ranks_are_capacities_of_their_own_and_programs_stay_on_their_rank() -> None:
    """Defect 14: two ranks were read as one."""
    driver = Driver(ThunderPolicy(), **{"http://gpu#0": 10_000, "http://gpu#1": 10_000})
    first, second = driver.arrive("p", 7_000), driver.arrive("q", 7_000)
    assert {driver.admitted_to(first), driver.admitted_to(second)} == {"http://gpu#0", "http://gpu#1"}
    driver.end(first, 7_000)
    assert driver.admitted_to(driver.arrive("p", 7_100)) == driver.admitted_to(first)
    assert driver.parked(driver.arrive("r", 5_000)), "12,000 tokens are free in all, but nowhere 5,000"


def test_a_lost_cache_is_noticed_by_whoever_comes_back_and_costs_one_step_only() -> None:
    driver = Driver(ThunderPolicy(), a=100_000)
    driver.turn("p", 5_000)
    fit = driver.backend().fit
    driver.send(CacheLost("a"))
    driver.turn("p", 5_100, cached=0)
    assert driver.backend().fit == fit, "a miss after a lost cache says nothing about the capacity"
    driver.turn("p", 5_200, cached=0)
    assert driver.backend().fit < fit


def test_a_program_whose_backend_died_in_its_turn_is_idle_until_it_comes_back() -> None:
    driver = Driver(ThunderPolicy(), Limits(idle_ttl_s=50.0), a=10_000, b=10_000)
    driver.arrive("p", 1_000)
    driver.send(BackendLeft("a"))
    assert driver.scheduler.counters.aborted == 1
    driver.wait(60.0)
    assert driver.scheduler.programs == {}
