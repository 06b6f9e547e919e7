"""Who gets in, who waits, who gives way."""

from __future__ import annotations

from tests.core.driver import Driver
from thunderagent.core import (
    BackendJoined,
    CapacityChanged,
    Park,
    ParkReason,
    Status,
    ThunderPolicy,
    TimerFired,
    TrPolicy,
    WakeAt,
)


def test_a_program_without_room_is_parked_and_admitted_when_another_is_released() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    driver.arrive("p", 6_000)
    waiting = driver.arrive("q", 5_000)
    assert driver.parked(waiting)
    assert driver.scheduler.waiting_turns == 1
    driver.release("p")
    assert driver.admitted_to(waiting) == "a"


def test_an_unknown_capacity_is_never_full() -> None:
    driver = Driver(TrPolicy(), a=None)
    assert all(driver.admitted_to(driver.arrive(f"p{i}", 1_000_000)) for i in range(20))


def test_no_more_running_programs_are_marked_than_the_excess_needs() -> None:
    """Defect 1 of the public code: a 4,000-token overflow marked 40 programs of 40."""
    driver = Driver(TrPolicy(), a=100_000)
    for i in range(40):
        driver.arrive(f"p{i}", 2_100)
    driver.send(CapacityChanged("a", 84_000))
    marked = [p for p in driver.scheduler.programs.values() if p.marked]
    assert len(marked) == 2


def test_a_marked_program_is_paused_when_its_turn_ends_if_there_is_still_too_much() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    small, large = driver.arrive("small", 3_000), driver.arrive("large", 5_000)
    driver.send(CapacityChanged("a", 6_000))
    assert driver.scheduler.programs["small"].marked
    driver.end(small, 3_000)
    assert driver.scheduler.programs["small"].status is Status.PAUSED
    driver.end(large, 5_000)


def test_a_marked_program_is_kept_when_room_has_come_back() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    small = driver.arrive("small", 3_000)
    driver.arrive("large", 5_000)
    driver.send(CapacityChanged("a", 6_000))
    driver.send(CapacityChanged("a", 10_000))
    driver.end(small, 3_000)
    assert driver.scheduler.programs["small"].status is Status.ACTING
    assert driver.scheduler.counters.pauses == 0


def test_when_all_but_one_are_marked_the_last_runs_on_whatever_the_excess() -> None:
    driver = Driver(TrPolicy(), a=100_000)
    for i in range(3):
        driver.arrive(f"p{i}", 5_000)
    driver.send(CapacityChanged("a", 1_000))
    assert sorted(p.marked for p in driver.scheduler.programs.values()) == [False, True, True]


def test_a_paused_program_resumes_before_new_ones_and_on_its_origin() -> None:
    """Defect 12: resuming elsewhere prefills the whole context although the KV may still be there."""
    driver = Driver(TrPolicy(), a=10_000)
    driver.turn("old", 4_000)
    big = driver.arrive("big", 4_500)
    driver.send(CapacityChanged("a", 5_000))
    assert driver.scheduler.programs["old"].status is Status.PAUSED
    new, back = driver.arrive("new", 1_000), driver.arrive("old", 4_200)
    driver.send(BackendJoined("b", 4_000))
    assert driver.parked(back)
    driver.end(big, 4_500)
    driver.release("big")
    assert driver.admitted_to(back) == "a"
    assert driver.admitted_to(new) == "b"


def test_nothing_behind_the_first_in_line_takes_its_room() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    driver.turn("old", 5_000)
    driver.arrive("other", 3_000)
    driver.send(CapacityChanged("a", 4_000))
    driver.send(CapacityChanged("a", 8_000))
    back, tiny = driver.arrive("old", 5_000), driver.arrive("tiny", 10)
    assert driver.parked(back)
    assert driver.parked(tiny)


def test_a_program_larger_than_the_cache_is_refused_and_does_not_block_a_tiny_one() -> None:
    """Defect 10: it waited 1800 s and blocked others on an empty backend."""
    driver = Driver(TrPolicy(), a=10_000)
    huge, tiny = driver.arrive("huge", 10_001), driver.arrive("tiny", 10)
    refusal = driver.refusal(huge)
    assert refusal is not None
    assert "10001 tokens" in refusal.reason
    assert refusal.retry_after_s is None
    assert driver.admitted_to(tiny) == "a"
    assert "huge" not in driver.scheduler.programs


def test_a_waiting_program_is_refused_when_the_last_backend_that_could_hold_it_shrinks() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    driver.arrive("running", 4_000)
    waiting = driver.arrive("large", 8_000)
    driver.send(CapacityChanged("a", 5_000))
    refusal = driver.refusal(waiting)
    assert refusal is not None
    assert "largest KV cache, 5000 tokens" in refusal.reason


def test_a_large_program_is_not_put_on_an_empty_backend_that_cannot_hold_it() -> None:
    driver = Driver(TrPolicy(), a=10_000, b=4_000)
    assert driver.admitted_to(driver.arrive("large", 8_000)) == "a"
    assert driver.parked(driver.arrive("another", 7_000))


def test_a_program_that_fills_the_whole_cache_runs_when_the_backend_is_empty() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    assert driver.admitted_to(driver.arrive("whole", 9_900)) == "a"


def test_a_turn_that_waited_too_long_is_admitted_by_force() -> None:
    """Defect 11: shortest-first starves long contexts."""
    driver = Driver(TrPolicy(max_wait_s=60.0), a=10_000)
    driver.arrive("running", 8_000)
    long = driver.arrive("long", 6_000)
    assert [e for e in driver.effects if isinstance(e, WakeAt)] == [WakeAt(60.0)]
    driver.now = 30.0
    driver.send(TimerFired())
    assert driver.parked(long)
    driver.now = 60.0
    driver.send(TimerFired())
    assert driver.admitted_to(long) == "a"
    assert driver.scheduler.counters.forced == 1


def test_a_groups_shared_prompt_is_counted_once() -> None:
    """Defect 2: the credit for shared prefixes was dead code."""
    driver = Driver(TrPolicy(), a=10_000)
    turns = [driver.arrive(f"g_{i}", 4_000, group="g") for i in range(4)]
    assert all(driver.admitted_to(turn) for turn in turns)
    backend = driver.scheduler.ledger.backends["a"]
    assert backend.shared_tokens == 4_000
    for turn, i in zip(turns, range(4), strict=True):
        driver.end(turn, 4_000, 100)
        driver.release(f"g_{i}")
    assert backend.shared_tokens == 0
    assert driver.scheduler.programs == {}


def test_an_empty_backend_too_small_for_the_first_in_line_takes_the_smallest_that_fits() -> None:
    driver = Driver(ThunderPolicy(), a=10_000)
    driver.arrive("running", 8_000)
    first, small, smallest = driver.arrive("first", 7_000), driver.arrive("small", 900), driver.arrive("smallest", 800)
    driver.send(BackendJoined("b", 1_000))
    assert driver.parked(first)
    assert driver.parked(small)
    assert driver.admitted_to(smallest) == "b"


def test_why_a_turn_is_parked_is_said_at_once() -> None:
    driver = Driver(ThunderPolicy(), a=10_000)
    driver.arrive("running", 8_000)
    first, second = driver.arrive("first", 7_000), driver.arrive("second", 10)
    assert driver.kinds(Park) == [Park(first, ParkReason.NO_ROOM), Park(second, ParkReason.BEHIND)]


def test_a_prefix_shared_over_groups_is_counted_once_per_backend_and_below_it_each_groups_own_prompt() -> None:
    driver = Driver(ThunderPolicy(), a=100_000)
    shared = {"prefix": "system", "prefix_tokens": 2_000}
    for name in ("g_0", "g_1", "h_0"):
        driver.arrive(name, 5_000, name[0], **shared)
    driver.arrive("lone", 3_000, **shared)
    assert driver.backend().shared_tokens == 2_000 + 3_000 + 3_000
    assert driver.backend().private_tokens == 1_000
    driver.release("g_0")
    driver.release("h_0")
    assert driver.backend().shared_tokens == 2_000 + 3_000
    driver.release("g_1")
    driver.release("lone")
    assert driver.backend().shared_tokens == 0
    assert driver.scheduler._state.prefixes.groups == {}
    assert driver.scheduler._state.prefixes._common == {}


def test_a_start_longer_than_a_prompt_is_not_shared_by_it() -> None:
    driver = Driver(ThunderPolicy(), a=100_000)
    driver.arrive("g_0", 5_000, "g", prefix="system", prefix_tokens=2_000)
    driver.arrive("g_1", 3_000, "g")
    assert driver.program("g_1").shared_tokens == 2_000
    driver.arrive("g_2", 1_000, "g")
    assert driver.program("g_2").shared_tokens == 0
    driver.arrive("h_0", 1_000, "h", prefix="system", prefix_tokens=2_000)
    assert driver.program("h_0").shared_tokens == 1_000
    assert driver.backend().shared_tokens == 6_000
