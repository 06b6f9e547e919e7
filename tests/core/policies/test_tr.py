"""The predicates of ``tr``, and each published defect behind its option."""

from __future__ import annotations

from tests.core.driver import Driver
from thunderagent.core import BackendJoined, CapacityChanged, Park, ParkReason, Program, Status, TrPolicy
from thunderagent.core.ledger import Backend


def backend(capacity: int | None, *, reasoning: int = 0, acting: int = 0, marked: int = 0, residents: int = 1) -> Backend:
    held = {"private_tokens": reasoning + acting, "private_acting_tokens": acting, "marked_tokens": marked}
    made = Backend("a", 0, capacity, **held)
    for birth in range(residents):
        made.programs[birth] = Program(f"p{birth}", birth)
        made.unmarked.put(made.programs[birth], 0)
    return made


def test_the_weight_of_acting_tokens_overcommits_the_cache() -> None:
    program = Program("p", birth=0, context_tokens=4_000)
    assert not TrPolicy().fits(program, backend(10_000, acting=8_000), 0.0)
    assert TrPolicy(acting_token_weight=0.5).fits(program, backend(10_000, acting=8_000), 0.0)


def test_what_is_marked_is_not_asked_for_twice() -> None:
    full = backend(10_000, reasoning=12_000, marked=3_000, residents=3)
    assert TrPolicy().excess_tokens(full, 0.0) == -700
    assert TrPolicy(subtract_marked=False).excess_tokens(full, 0.0) == 2_300


def test_a_lone_resident_never_has_to_give_way() -> None:
    assert TrPolicy().excess_tokens(backend(100, reasoning=5_000), 0.0) == 0


def test_an_engine_of_unknown_capacity_has_no_excess_and_no_limit() -> None:
    assert TrPolicy().excess_tokens(backend(None, reasoning=10**9, residents=2), 0.0) == 0
    driver = Driver(TrPolicy(), a=5, b=None)
    assert driver.admitted_to(driver.arrive("p", 10**9)) == "b"
    assert TrPolicy().largest_prompt_tokens(driver.scheduler.ledger) is None


def test_programs_that_have_run_come_first_then_the_shortest_then_the_oldest() -> None:
    programs = [
        Program("new", birth=0, context_tokens=1),
        Program("long", birth=1, context_tokens=900, origin_id="a"),
        Program("short", birth=3, context_tokens=100, origin_id="a"),
        Program("urgent", birth=4, context_tokens=5_000, priority=-1),
        Program("older", birth=2, context_tokens=100, origin_id="a"),
    ]
    ordered = sorted(programs, key=lambda p: (TrPolicy().line_key(p), p.birth))
    assert [p.id for p in ordered] == ["urgent", "older", "short", "long", "new"]


def test_by_force_a_program_still_goes_where_it_can_be_held() -> None:
    driver = Driver(TrPolicy(max_wait_s=10.0), busy=10_000, small=4_000)
    driver.arrive("running", 9_900)
    waiting = driver.arrive("p", 8_000)
    driver.wait(10.0)
    assert driver.admitted_to(waiting) == "busy"


def test_siblings_go_where_their_prompt_is_if_they_fit_there() -> None:
    driver = Driver(TrPolicy(), a=10_000, b=10_000)
    assert driver.admitted_to(driver.arrive("g_0", 4_000, "g")) == "a"
    assert driver.admitted_to(driver.arrive("g_1", 4_000, "g")) == "a"
    assert driver.admitted_to(driver.arrive("lone", 4_000)) == "b"


def test_tokens_of_a_tool_call_decay_with_their_half_life() -> None:
    """The paper's f(t) = 2^-t."""
    driver = Driver(TrPolicy(acting_half_life_s=2.0), a=10_000)
    driver.turn("p", 8_000)
    driver.turn("q", 100)
    policy = driver.scheduler.policy
    assert isinstance(policy, TrPolicy)
    assert policy.used_tokens(driver.backend(), 0.0) == 8_300
    assert policy.used_tokens(driver.backend(), 2.0) == 4_250
    driver.now = 2.0
    assert driver.admitted_to(driver.arrive("new", 4_000)) == "a"
    driver.arrive("p", 8_000)
    assert driver.program("q").status is Status.PAUSED
    assert policy.used_tokens(driver.backend(), 2.0) == 8_000 + 4_000 + 200


def test_published_counts_shared_prompts_once_per_program() -> None:
    """Defect 2: the credit for shared prefixes was dead code."""
    for credit, admitted in ((True, 4), (False, 2)):
        driver = Driver(TrPolicy(credit_prefixes=credit), a=10_000)
        turns = [driver.arrive(f"g_{i}", 4_000, "g") for i in range(4)]
        assert sum(driver.admitted_to(turn) is not None for turn in turns) == admitted


def test_published_marks_every_running_program_and_a_mark_is_final() -> None:
    """Defect 1: a 4,000-token overflow marked 40 programs of 40."""
    driver = Driver(TrPolicy(subtract_marked=False), a=100_000)
    turns = [driver.arrive(f"p{i}", 2_100) for i in range(40)]
    driver.send(CapacityChanged("a", 84_000))
    assert sum(p.marked for p in driver.scheduler.programs.values()) == 40
    driver.send(CapacityChanged("a", 1_000_000))
    driver.end(turns[0], 2_100)
    assert driver.program("p0").status is Status.PAUSED


def test_published_resumes_anywhere_and_ours_on_the_origin() -> None:
    """Defect 12: about 1 - 1/N of resumes prefill the whole context although the KV may still be there."""
    for origin_first, place in ((True, "a"), (False, "b")):
        driver = Driver(TrPolicy(origin_first=origin_first), a=10_000)
        driver.turn("p", 4_000)
        driver.arrive("running", 4_500)
        driver.send(CapacityChanged("a", 8_000))
        driver.send(CapacityChanged("a", 20_000))
        assert driver.program("p").status is Status.PAUSED
        driver.send(BackendJoined("b", 40_000))
        assert driver.admitted_to(driver.arrive("p", 4_100)) == place


def test_published_lets_a_program_larger_than_the_cache_wait_and_block_a_tiny_one() -> None:
    """Defect 10: it waited 1800 s on an empty backend."""
    driver = Driver(TrPolicy(refuse_oversized=False, max_wait_s=1_800.0), a=10_000)
    huge, tiny = driver.arrive("huge", 20_000), driver.arrive("tiny", 5)
    assert driver.parked(huge)
    driver.send(CapacityChanged("a", 10_000))
    assert driver.admitted_to(tiny) == "a", "here at least the empty backend takes what fits"
    driver.wait(1_800.0)
    assert driver.admitted_to(huge) == "a"


def test_published_parks_until_the_next_tick() -> None:
    driver = Driver(TrPolicy.published(), a=10_000)
    driver.arrive("running", 8_000)
    waiting = driver.arrive("p", 5_000)
    assert driver.kinds(Park) == [Park(waiting, ParkReason.TICK)]
