"""Each scheduling defect of the public code (arXiv 2602.13692), by its number in our notes, and that we do not have it.

Number 7 (clients without an id share one program) and 15 (the proxy) are the gateway's; they have no part in the core.
"""

from __future__ import annotations

import pytest

from tests.core.driver import Driver
from thunderagent.core import (
    BackendJoined,
    BackendLeft,
    CapacityChanged,
    HealthChanged,
    Limits,
    Policy,
    PrepareTools,
    ReclaimTools,
    Status,
    ThunderPolicy,
    TrPolicy,
    TurnCancelled,
    TurnEnded,
    Usage,
    measure,
)

both = pytest.mark.parametrize("policy", [ThunderPolicy(), TrPolicy()], ids=["thunder", "tr"])


def fresh(policy: Policy) -> Policy:
    """An instance belongs to one scheduler."""
    return type(policy)()


@both
def test_defect_1_a_small_overflow_does_not_touch_every_running_program(policy: Policy) -> None:
    """A 4,000-token overflow marked 40 of 40."""
    driver = Driver(fresh(policy), a=100_000)
    turns = [driver.arrive(f"p{i}", 2_100) for i in range(40)]
    driver.send(CapacityChanged("a", 84_000))
    assert sum(p.marked for p in driver.scheduler.programs.values()) <= 2
    for turn in turns:
        driver.end(turn, 2_100)
    paused = sum(p.status is Status.PAUSED for p in driver.scheduler.programs.values())
    assert paused <= 2, "no more are paused than the overflow needs"


@both
def test_defect_2_a_shared_prompt_is_counted_once(policy: Policy) -> None:
    """The credit for shared prefixes was dead code; with it, a grouped workload ran 1.5 times as fast."""
    driver = Driver(fresh(policy), a=10_000)
    assert all(driver.admitted_to(driver.arrive(f"g_{i}", 8_000, "g")) for i in range(5))


@both
def test_defect_3_no_program_is_paused_and_resumed_in_turn(policy: Policy) -> None:
    """Pause and resume decided on different views of the capacity."""
    driver = Driver(fresh(policy), a=10_000)
    for name in ("small", "p", "q"):
        driver.turn(name, 2_400)
    driver.turn("p", 3_600)
    driver.turn("q", 4_100)
    assert driver.scheduler.counters.pauses == 1
    assert driver.parked(driver.arrive("small", 2_500)), "it would be paused again with the next token"
    for _ in range(20):
        driver.wait(0.01)
        driver.turn("p", 3_600)
    assert driver.scheduler.counters.pauses == 1


@both
@pytest.mark.parametrize("end", [TurnCancelled(1), TurnEnded(1)], ids=["disconnect", "failure"])
def test_defect_4_no_program_reasons_for_ever_after_a_disconnect_or_failure(
    policy: Policy, end: TurnCancelled | TurnEnded
) -> None:
    """The router believed 80 running when the engine had 20."""
    driver = Driver(fresh(policy), a=10_000)
    assert driver.arrive("p", 5_000) == 1
    driver.send(end)
    assert driver.program("p").status is Status.ACTING
    assert driver.backend().private_reasoning_tokens == 0


@both
def test_defect_5_programs_that_are_never_released_expire(policy: Policy) -> None:
    """80 of them made everything 8 times slower."""
    driver = Driver(fresh(policy), Limits(idle_ttl_s=60.0), a=1_000_000)
    for i in range(80):
        driver.turn(f"p{i}", 1_000)
    driver.wait(61.0)
    assert driver.scheduler.programs == {}
    assert driver.backend().private_tokens == 0


@both
def test_defect_6_two_requests_of_one_program_do_not_corrupt_each_other(policy: Policy) -> None:
    """One phase and one token count per program."""
    driver = Driver(fresh(policy), a=10_000)
    long, short = driver.arrive("p", 3_000), driver.arrive("p", 500)
    driver.end(short, 500, 10)
    assert (driver.program("p").status, driver.program("p").context_tokens) == (Status.REASONING, 3_000)
    driver.end(long, 3_000, 200)
    assert (driver.program("p").status, driver.program("p").context_tokens) == (Status.ACTING, 3_200)


@both
def test_defect_8_a_released_programs_held_request_does_not_slip_through(policy: Policy) -> None:
    """It went to backend 0, untracked."""
    driver = Driver(fresh(policy), a=10_000)
    driver.arrive("running", 8_000)
    waiting = driver.arrive("p", 7_000)
    driver.release("p")
    assert driver.refusal(waiting) is not None
    assert driver.admitted_to(waiting) is None


@both
def test_defect_9_exact_usage_is_not_overwritten_by_an_estimate(policy: Policy) -> None:
    """And a 2 MB image in base64 counted as 759,000 tokens."""
    driver = Driver(fresh(policy), a=1_000_000)
    driver.end(driver.arrive("p", None, prompt_characters=100_000), 60_000, 0)
    driver.arrive("p", None, prompt_characters=100_008)
    assert 60_000 <= driver.program("p").context_tokens <= 60_010
    assert measure([{"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 2_000_000}}]).characters == 0


@both
def test_defect_10_a_program_larger_than_the_cache_is_refused_and_blocks_nobody(policy: Policy) -> None:
    """It waited 1800 s on an empty backend and blocked a tiny one behind it."""
    driver = Driver(fresh(policy), a=10_000)
    refusal = driver.refusal(driver.arrive("huge", 10_001))
    assert refusal is not None
    assert refusal.retry_after_s is None
    assert driver.admitted_to(driver.arrive("tiny", 10)) == "a"


def test_defect_11_long_contexts_do_not_starve_behind_short_ones() -> None:
    """Shortest first held 71% of programs over 80k tokens for more than ten minutes."""
    driver = Driver(ThunderPolicy(), a=10_000)
    driver.arrive("running", 8_000)
    long = driver.arrive("long", 7_000)
    short = [driver.arrive(f"short{i}", 3_000) for i in range(10)]
    driver.release("running")
    assert driver.admitted_to(long) == "a"
    assert all(driver.parked(turn) for turn in short)


@both
def test_defect_12_a_program_resumes_where_its_kv_is(policy: Policy) -> None:
    """About 1 - 1/N of resumes prefilled the whole context although it was still cached."""
    driver = Driver(fresh(policy), a=10_000)
    driver.turn("p", 4_000)
    driver.arrive("running", 4_500)
    driver.send(CapacityChanged("a", 8_000))
    assert driver.program("p").status is Status.PAUSED
    driver.send(CapacityChanged("a", 20_000))
    driver.send(BackendJoined("b", 50_000))
    assert driver.admitted_to(driver.arrive("p", 4_100)) == "a"


@both
def test_defect_13_programs_move_when_their_backend_dies_or_sickens_and_none_is_admitted_without_a_backend(
    policy: Policy,
) -> None:
    """Static backends, capacity read once; with a backend down at start, unlimited admission."""
    driver = Driver(fresh(policy))
    assert driver.refusal(driver.arrive("early", 10)) is not None
    driver.send(BackendJoined("a", 10_000))
    driver.send(BackendJoined("b", 10_000))
    driver.turn("p", 1_000)
    driver.send(BackendLeft("a"))
    assert driver.admitted_to(driver.arrive("p", 1_100)) == "b"
    driver.send(BackendJoined("c", 10_000))
    driver.end(3, 1_100)
    driver.send(HealthChanged("b", False))
    assert driver.admitted_to(driver.arrive("p", 1_200)) == "c"


def test_defect_14_data_parallel_ranks_are_not_one_capacity() -> None:
    """20,000 tokens on two ranks do not hold one program of 15,000."""
    driver = Driver(ThunderPolicy(), **{"gpu#0": 10_000, "gpu#1": 10_000})
    refusal = driver.refusal(driver.arrive("p", 15_000))
    assert refusal is not None
    assert "largest KV cache, 10000 tokens" in refusal.reason


@both
def test_defect_16_room_is_used_when_it_comes_not_at_the_next_tick(policy: Policy) -> None:
    """67% of holds were shorter than 12 s; engines idled with a non-empty queue."""
    driver = Driver(fresh(policy), a=10_000)
    driver.arrive("running", 8_000)
    waiting = driver.arrive("p", 7_000)
    driver.now = 0.001
    driver.release("running")
    assert driver.admitted_to(waiting) == "a"


@both
def test_defect_17_nothing_is_kept_of_what_is_over(policy: Policy) -> None:
    """Unbounded history."""
    driver = Driver(fresh(policy), a=10_000)
    for i in range(300):
        driver.end(driver.arrive(f"g{i}_0", 100, f"g{i}", prefix="system", prefix_tokens=50), 100)
        driver.release(f"g{i}_0")
    state = driver.scheduler._state
    assert not (state.programs or state.turns or state.held or len(state.idle) or len(state.line))
    assert not (state.prefixes.groups or state.prefixes._common or state.ledger.backends["a"].prefixes)
    assert max(len(index._heap) for index in (state.idle, driver.backend().acting)) < 50


@both
def test_defect_18_environments_are_prepared_while_a_program_waits_and_reclaimed_at_its_end(policy: Policy) -> None:
    """Promised by the paper, absent from its code."""
    driver = Driver(fresh(policy), a=10_000)
    driver.arrive("running", 8_000)
    waiting = driver.arrive("p", 7_000)
    assert driver.parked(waiting)
    assert PrepareTools("p") in driver.effects
    driver.release("p")
    assert ReclaimTools("p") in driver.effects


def test_usage_of_a_turn_with_everything_known_is_sane() -> None:
    assert Usage(10, 5, 3).context_tokens == 15
