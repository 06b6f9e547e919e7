"""What the scheduler promises whatever the policy, and what ``tr`` makes of it."""

from __future__ import annotations

from tests.core.driver import Driver
from thunderagent.core import (
    Abort,
    BackendJoined,
    BackendLeft,
    CapacityChanged,
    DefaultPolicy,
    FirstToken,
    Park,
    ParkReason,
    Refuse,
    Status,
    TimerFired,
    TrPolicy,
    TurnCancelled,
    TurnEnded,
    WakeAt,
    WeightSyncBegan,
    WeightSyncEnded,
)


def test_default_admits_everything_at_once_and_stays_where_it_was() -> None:
    driver = Driver(DefaultPolicy(), a=100, b=100)
    first, second = driver.arrive("p", 90), driver.arrive("q", 90)
    assert {driver.admitted_to(first), driver.admitted_to(second)} == {"a", "b"}
    driver.end(first, 90)
    assert driver.admitted_to(driver.arrive("p", 5_000)) == driver.admitted_to(first)


def test_default_refuses_nothing_for_its_size() -> None:
    driver = Driver(DefaultPolicy(), a=100)
    assert driver.admitted_to(driver.arrive("p", 1_000_000)) == "a"


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


def test_a_resident_program_that_grows_is_sent_at_once_and_the_smallest_idle_one_gives_way() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    driver.turn("small", 2_000)
    driver.turn("large", 3_000)
    driver.turn("growing", 3_000)
    turn = driver.arrive("growing", 6_000)
    assert driver.admitted_to(turn) == "a"
    programs = driver.scheduler.programs
    assert programs["small"].status is Status.PAUSED
    assert programs["large"].status is Status.ACTING
    assert driver.scheduler.counters.pauses == 1


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


def test_the_next_oldest_turn_gets_a_timer_of_its_own() -> None:
    driver = Driver(TrPolicy(max_wait_s=60.0), a=10_000)
    driver.arrive("running", 8_000)
    driver.arrive("q", 6_000)
    driver.now = 10.0
    driver.arrive("r", 7_000)
    driver.now = 60.0
    driver.send(TimerFired())
    assert [e.at_s for e in driver.effects if isinstance(e, WakeAt)] == [60.0, 70.0]


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


def test_parallel_turns_of_one_program_are_all_tracked() -> None:
    """Defect 6: one phase and one token count per program."""
    driver = Driver(TrPolicy(), a=10_000)
    first, second = driver.arrive("p", 2_000), driver.arrive("p", 1_000)
    assert driver.admitted_to(second) == "a"
    driver.end(first, 2_000, 50)
    assert driver.scheduler.programs["p"].status is Status.REASONING
    driver.end(second, 1_000, 50)
    program = driver.scheduler.programs["p"]
    assert program.status is Status.ACTING
    assert program.context_tokens == 1_050


def test_several_waiting_turns_of_one_program_are_admitted_together() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    driver.arrive("running", 8_000)
    first, second = driver.arrive("p", 6_000), driver.arrive("p", 6_100)
    assert driver.scheduler.waiting_turns == 2
    driver.send(TurnCancelled(first))
    assert driver.scheduler.waiting_turns == 1
    driver.release("running")
    assert driver.admitted_to(second) == "a"
    assert driver.admitted_to(first) is None


def test_exact_usage_is_kept_and_a_failed_turn_keeps_the_prompt() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    driver.send(TurnEnded(driver.arrive("p", 2_000)))
    assert driver.scheduler.programs["p"].context_tokens == 2_000
    driver.end(driver.arrive("p", 2_100), 2_100, 77)
    assert driver.scheduler.programs["p"].context_tokens == 2_177


def test_a_cancelled_running_turn_ends_the_reasoning_phase() -> None:
    """Defect 4: phantom REASONING."""
    driver = Driver(TrPolicy(), a=10_000)
    driver.send(TurnCancelled(driver.arrive("p", 2_000)))
    assert driver.scheduler.programs["p"].status is Status.ACTING


def test_a_cancelled_first_turn_in_line_leaves_no_trace_of_its_program() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    driver.arrive("running", 8_000)
    driver.send(TurnCancelled(driver.arrive("new", 6_000, group="g")))
    assert set(driver.scheduler.programs) == {"running"}
    assert driver.scheduler.waiting_turns == 0


def test_cancelling_the_first_in_line_lets_the_next_one_in() -> None:
    driver = Driver(TrPolicy(), a=12_000)
    driver.turn("old", 7_000)
    driver.arrive("running", 2_000)
    driver.send(CapacityChanged("a", 5_000))
    back, small = driver.arrive("old", 4_999), driver.arrive("small", 1_000)
    assert driver.parked(small)
    driver.send(TurnCancelled(back))
    assert driver.admitted_to(small) == "a"
    assert driver.scheduler.programs["old"].status is Status.PAUSED


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


def test_events_about_nothing_known_are_counted_and_ignored() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    events = [TurnEnded(99), TurnCancelled(99), FirstToken(99), BackendLeft("x"), CapacityChanged("x", 1)]
    assert [driver.send(event) for event in events] == [()] * 5
    driver.release("nobody")
    assert driver.scheduler.counters.late_events == 6


def test_a_known_first_token_is_not_late() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    driver.send(FirstToken(driver.arrive("p", 10)))
    assert driver.scheduler.counters.late_events == 0


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


def test_a_clock_that_runs_backwards_does_no_harm() -> None:
    driver = Driver(TrPolicy(max_wait_s=60.0), a=10_000)
    driver.now = 100.0
    driver.arrive("running", 8_000)
    waiting = driver.arrive("q", 6_000)
    driver.now = 5.0
    driver.send(TimerFired())
    assert driver.parked(waiting)


def test_no_timer_is_asked_for_when_waits_are_not_bounded() -> None:
    driver = Driver(TrPolicy(max_wait_s=None), a=10_000)
    driver.arrive("running", 8_000)
    driver.arrive("q", 6_000)
    assert not [e for e in driver.effects if isinstance(e, WakeAt)]


def test_when_all_but_one_are_marked_the_last_runs_on_whatever_the_excess() -> None:
    driver = Driver(TrPolicy(), a=100_000)
    for i in range(3):
        driver.arrive(f"p{i}", 5_000)
    driver.send(CapacityChanged("a", 1_000))
    assert sorted(p.marked for p in driver.scheduler.programs.values()) == [False, True, True]
