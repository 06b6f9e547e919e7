"""Backends join, leave, change, and lose their caches."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.core.driver import Driver
from thunderagent.core import (
    Abort,
    BackendAvoided,
    BackendJoined,
    BackendLeft,
    CacheLost,
    CapacityChanged,
    CapPolicy,
    DefaultPolicy,
    HealthChanged,
    Limits,
    Policy,
    Status,
    ThunderPolicy,
    TrPolicy,
    TurnCancelled,
    TurnEnded,
)

POLICIES = [
    DefaultPolicy,
    lambda: DefaultPolicy("least-loaded"),
    lambda: DefaultPolicy("prefix-affinity"),
    CapPolicy,
    TrPolicy,
    ThunderPolicy,
]
NAMES = ["default", "least-loaded", "prefix-affinity", "cap", "tr", "thunder"]
every_policy = pytest.mark.parametrize("policy", POLICIES, ids=NAMES)


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


@every_policy
def test_programs_of_a_backend_that_is_sick_go_on_elsewhere_at_once(policy: Callable[[], Policy]) -> None:
    driver = Driver(policy(), a=10_000, b=10_000)
    at_a = [name for name in ("p", "q", "r", "s") if driver.admitted_to(driver.turn(name, 1_000)) == "a"]
    in_its_turn = driver.arrive("t", 1_000)
    assert at_a
    assert driver.admitted_to(in_its_turn) == "a"
    driver.send(HealthChanged("a", False))
    for name in at_a:
        assert driver.admitted_to(driver.arrive(name, 1_100)) == "b"
    driver.send(TurnEnded(in_its_turn))
    assert driver.admitted_to(driver.arrive("t", 1_000)) == "b", "its try failed"


def test_under_the_published_policy_they_go_on_elsewhere_with_the_next_tick() -> None:
    driver = Driver(TrPolicy.published(), a=10_000, b=10_000)
    home = driver.admitted_to(driver.turn("p", 1_000))
    driver.send(HealthChanged(str(home), False))
    turn = driver.arrive("p", 1_100)
    driver.wait(5.0)
    assert driver.admitted_to(turn) == {"a": "b", "b": "a"}[str(home)]


@pytest.mark.parametrize("policy", [lambda: CapPolicy(1), TrPolicy, ThunderPolicy], ids=["cap", "tr", "thunder"])
def test_turns_that_wait_get_in_where_there_is_room_whatever_they_waited_for(policy: Callable[[], Policy]) -> None:
    driver = Driver(policy(), a=10_000, b=10_000)
    on = {driver.admitted_to(turn): turn for turn in (driver.arrive("p", 8_000), driver.arrive("q", 8_000))}
    waiting = driver.arrive("r", 8_000)
    assert driver.parked(waiting)
    driver.send(HealthChanged("a", False))
    driver.send(TurnEnded(on["a"]))
    driver.release("p")
    assert driver.parked(waiting), "room on a sick backend is none"
    driver.release("q")
    assert driver.admitted_to(waiting) == "b"


@every_policy
def test_with_every_backend_sick_turns_are_refused_for_now_under_every_policy(policy: Callable[[], Policy]) -> None:
    driver = Driver(policy(), a=10_000, b=10_000)
    driver.turn("p", 1_000)
    for backend in ("a", "b"):
        driver.send(HealthChanged(backend, False))
    for turn in (driver.arrive("p", 1_000), driver.arrive("new", 1_000)):
        refusal = driver.refusal(turn)
        assert refusal is not None
        assert (refusal.reason, refusal.retry_after_s) == ("no backend is up", 5.0)


@pytest.mark.parametrize("capacity", [20_000, None])
def test_what_only_a_sick_backend_could_hold_is_refused_for_now_and_not_for_ever(capacity: int | None) -> None:
    driver = Driver(ThunderPolicy(), a=capacity, b=10_000)
    assert driver.admitted_to(driver.turn("large", 15_000)) == "a"
    driver.send(HealthChanged("a", False))
    refusal = driver.refusal(driver.arrive("large", 15_000))
    assert refusal is not None
    assert refusal.reason == "no backend is up that could hold its context of 15000 tokens"
    assert refusal.retry_after_s == 5.0
    driver.send(HealthChanged("a", True))
    assert driver.admitted_to(driver.arrive("large", 15_000)) == "a"


def test_what_waits_for_a_backend_that_falls_sick_is_refused_for_now() -> None:
    driver = Driver(ThunderPolicy(), a=20_000, b=10_000)
    driver.arrive("first", 12_000)
    waiting = driver.arrive("large", 15_000)
    assert driver.parked(waiting)
    driver.send(HealthChanged("a", False))
    refusal = driver.refusal(waiting)
    assert refusal is not None
    assert refusal.retry_after_s == 5.0


@every_policy
def test_a_program_whose_tries_fail_somewhere_goes_elsewhere_once(policy: Callable[[], Policy]) -> None:
    driver = Driver(policy(), a=10_000, b=10_000, c=10_000)
    driver.turn("elsewhere", 500)
    failed = driver.arrive("p", 1_000, group="g")
    home = str(driver.admitted_to(failed))
    driver.send(TurnEnded(failed))
    driver.send(BackendAvoided("p", home))
    moved = driver.arrive("p", 1_000, group="g")
    assert driver.admitted_to(moved) not in (home, None)
    assert driver.program("p").avoid_id is None, "it has been heeded"


def test_a_backend_is_avoided_rather_than_waited_for() -> None:
    driver = Driver(ThunderPolicy(), a=10_000, b=10_000)
    on = {driver.admitted_to(turn): turn for turn in (driver.arrive("p", 3_000), driver.arrive("q", 8_000))}
    driver.send(TurnEnded(on["a"]))
    driver.send(BackendAvoided("p", "a"))
    assert driver.admitted_to(driver.arrive("p", 3_000)) == "a", "b is full"


def test_the_only_backend_is_not_avoided_nor_one_on_which_turns_of_the_program_run() -> None:
    driver = Driver(ThunderPolicy(), a=10_000, b=10_000)
    driver.send(HealthChanged("b", False))
    driver.turn("p", 1_000)
    driver.send(BackendAvoided("p", "a"))
    assert driver.program("p").status is Status.ACTING
    driver.send(HealthChanged("b", True))
    driver.arrive("p", 1_000)
    driver.send(BackendAvoided("p", "a"))
    assert driver.program("p").status is Status.REASONING
    assert driver.program("p").avoid_id is None


def test_the_time_between_two_tries_is_no_tool_call() -> None:
    driver = Driver(ThunderPolicy(), a=10_000, b=10_000)
    driver.turn("p", 1_000, tool="bash")
    driver.wait(10.0)
    failed = driver.arrive("p", 1_100)
    seen = driver.scheduler.policy.tools
    assert seen is not None
    before = seen.mean_residual_s("", 0.0)
    driver.send(TurnEnded(failed))
    driver.send(BackendAvoided("p", "a"))
    driver.wait(0.05)
    driver.arrive("p", 1_100)
    assert seen.mean_residual_s("", 0.0) == before


def test_what_is_unknown_is_not_avoided() -> None:
    driver = Driver(ThunderPolicy(), a=10_000, b=10_000)
    driver.turn("p", 1_000)
    driver.send(BackendAvoided("nobody", "a"))
    driver.send(BackendAvoided("p", "nowhere"))
    assert driver.scheduler.counters.late_events == 2
