"""Disagreements with the reference that were mistakes of the scheduler: one test for each."""

from __future__ import annotations

from tests.core.driver import Driver
from thunderagent.core import (
    BackendJoined,
    BackendLeft,
    CapacityChanged,
    ReclaimTools,
    Status,
    ThunderPolicy,
    TimerFired,
    TrPolicy,
    TurnArrived,
    TurnCancelled,
    WeightSyncBegan,
)


def test_a_parked_program_is_as_long_as_the_longest_of_its_waiting_turns() -> None:
    """The last one to come counted: a program got in as a short one and ran as a long one."""
    driver = Driver(TrPolicy(), a=10_000)
    driver.arrive("running", 5_000)
    long, short = driver.arrive("p", 6_000), driver.arrive("p", 1_000)
    assert driver.parked(short)
    driver.send(TurnCancelled(long))
    assert driver.admitted_to(short) == "a"


def test_a_program_is_as_old_in_line_as_the_first_of_its_turns_that_still_waits() -> None:
    """It stayed as old as a turn that had been cancelled, and was forced in earlier than its explanation said."""
    driver = Driver(TrPolicy(max_wait_s=60.0), a=10_000)
    driver.arrive("running", 8_000)
    first = driver.arrive("p", 6_000)
    driver.now = 30.0
    second = driver.arrive("p", 6_000)
    driver.send(TurnCancelled(first))
    driver.now = 60.0
    driver.send(TimerFired())
    explained = driver.scheduler.explain("p")
    assert explained is not None
    assert explained.forced_in_s == 30.0
    assert driver.parked(second)
    driver.now = 90.0
    driver.send(TimerFired())
    assert driver.admitted_to(second) == "a"


def test_a_tool_call_is_measured_once_however_many_turns_follow_it() -> None:
    """Each further turn of a program in line was counted as the end of one more, longer call."""
    driver = Driver(ThunderPolicy(), a=10_000)
    driver.turn("p", 4_000)
    driver.arrive("other", 4_500)
    driver.send(CapacityChanged("a", 8_000))
    assert driver.scheduler.programs["p"].status is Status.PAUSED
    driver.now = 2.0
    assert driver.parked(driver.arrive("p", 4_000))
    driver.now = 8.0
    driver.arrive("p", 4_000)
    assert driver.scheduler._state.tools.mean_residual_s("", 0.0) == 2.0


def test_a_paused_program_resumes_between_turns_unless_a_turn_has_come_since() -> None:
    """Whether a program whose next turn was cancelled still resumed depended on who was resumed before, and one that had lost
    its backend kept all others from resuming."""
    driver = Driver(TrPolicy(tick_s=5.0), a=20_000)
    for name, tokens in (("p", 3_000), ("q", 4_000), ("r", 8_000)):
        driver.turn(name, tokens)
    driver.send(CapacityChanged("a", 1_000))
    driver.now = 5.0
    driver.send(TimerFired())
    assert {p.id for p in driver.scheduler.programs.values() if p.status is Status.PAUSED} == {"p", "q"}
    driver.send(CapacityChanged("a", 20_000))
    driver.send(TurnCancelled(driver.arrive("p", 3_000)))
    driver.now = 10.0
    driver.send(TimerFired())
    assert {p.id for p in driver.scheduler.programs.values() if p.status is Status.PAUSED} == {"p"}


def test_a_program_whose_turns_all_went_before_it_ran_leaves_no_trace() -> None:
    """One whose last turn was held by a weight sync stayed until it expired."""
    driver = Driver(TrPolicy(), a=10_000)
    driver.arrive("running", 8_000)
    waiting = driver.arrive("p", 6_000)
    driver.send(WeightSyncBegan())
    held = driver.arrive("p", 6_000)
    driver.send(TurnCancelled(waiting))
    assert driver.send(TurnCancelled(held)) == (ReclaimTools("p"),)
    assert set(driver.scheduler.programs) == {"running"}


def test_a_backend_that_left_and_joined_again_has_lost_its_kv_cache() -> None:
    """Programs went back to it as their origin, though their KV had gone with it."""
    driver = Driver(ThunderPolicy(), a=10_000)
    driver.turn("p", 4_000)
    driver.send(BackendLeft("a"))
    driver.send(BackendJoined("a", 10_000))
    driver.send(BackendJoined("b", 20_000))
    assert driver.admitted_to(driver.arrive("p", 4_000)) == "b"


def test_a_shared_start_that_nobody_shares_is_forgotten() -> None:
    """One longer than the only prompt that named it stayed for ever, and the next program that named it got its length."""
    driver = Driver(TrPolicy(), a=10_000)
    for name, prompt, start in (("short", 100, 5_000), ("p", 2_000, 1_000)):
        driver.send(TurnArrived(name, turn_id=start, prompt_tokens=prompt, prefix="system", prefix_tokens=start))
    assert driver.scheduler.programs["p"].shared_tokens == 1_000


def test_a_group_keeps_the_start_that_its_prompt_continues() -> None:
    """Forgotten while only short members lived, it was counted twice when a longer one and a stranger came."""
    driver = Driver(TrPolicy(), a=20_000)
    arrivals = [("g_0", 3_000, "g"), ("g_1", 100, "g"), ("stranger", 3_000, ""), ("g_2", 3_000, "g")]
    for turn_id, (name, prompt, group) in enumerate(arrivals):
        driver.send(TurnArrived(name, turn_id, prompt, group, prefix="system", prefix_tokens=1_000))
        if name == "g_1":
            driver.release("g_0")
    assert driver.scheduler.ledger.backends["a"].shared_tokens == 3_000
