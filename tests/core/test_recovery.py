"""A new scheduler knows the programs of the one before it, and counts nothing twice."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from tests.core.driver import Driver
from thunderagent.core import (
    BackendJoined,
    BackendLeft,
    DefaultPolicy,
    Limits,
    PrepareTools,
    ProgramRecovered,
    Status,
    ThunderPolicy,
    TrPolicy,
    TurnCancelled,
    WeightSyncBegan,
    WeightSyncEnded,
)


def known(program_id: str = "p", **more: Any) -> ProgramRecovered:
    """A program that was held on backend a, in a tool call."""
    fields = {"context_tokens": 3_000, "exact_prompt_tokens": 2_900, "backend_id": "a", "held": True, "tool": "bash"}
    return ProgramRecovered(program_id, **{**fields, "acting_s": 10.0, **more})


def remembered(driver: Driver) -> list[ProgramRecovered]:
    programs = sorted(driver.scheduler.programs.values(), key=lambda program: program.birth)
    return [driver.scheduler.remember(program) for program in programs]


def test_all_that_is_known_of_programs_comes_back() -> None:
    old = Driver(ThunderPolicy(), a=20_000, b=20_000)
    for number in range(4):
        old.now += 1.0
        old.end(old.arrive(f"g_{number}", 2_000, "g", prefix="system", prefix_tokens=500, phase="train"), 3_000, 50, tool="bash")
    old.end(old.arrive("lone", None, prompt_characters=400, prompt_images=1, priority=2), 1_100)
    new = Driver(ThunderPolicy(), a=20_000, b=20_000)
    new.now = old.now
    for program in remembered(old):
        new.send(program)
    assert remembered(new) == remembered(old)
    assert new.backend("a").private_tokens == old.backend("a").private_tokens
    assert new.backend("b").shared_tokens == old.backend("b").shared_tokens
    assert not new.kinds(PrepareTools), "they have their sandboxes, or ask for them"


def test_a_program_that_is_held_where_it_was_goes_on_there_at_once() -> None:
    driver = Driver(ThunderPolicy(), a=20_000, b=20_000)
    driver.send(known())
    assert driver.program("p").status is Status.ACTING
    turn = driver.arrive("p", 3_100)
    assert driver.admitted_to(turn) == "a"
    driver.end(turn, 3_100, 10, cached=2_900)
    assert driver.backend().private_tokens == 3_110


def test_without_its_backend_a_program_is_paused_until_that_comes() -> None:
    driver = Driver(ThunderPolicy(), b=20_000)
    driver.send(known())
    assert driver.program("p").status is Status.PAUSED
    assert driver.program("p").origin_id == "a"
    driver.send(BackendJoined("a", 20_000))
    driver.send(known())
    driver.send(known())
    assert driver.program("p").status is Status.ACTING
    assert driver.backend("a").private_tokens == 3_000


def test_kv_that_another_process_had_is_not_counted() -> None:
    driver = Driver(ThunderPolicy(), a=20_000)
    driver.send(known(held=False))
    assert driver.program("p").status is Status.PAUSED
    assert driver.backend("a").private_tokens == 0


def test_what_a_program_has_done_meanwhile_stays() -> None:
    driver = Driver(ThunderPolicy(), a=20_000, b=20_000)
    driver.turn("p", 500)
    driver.send(known(context_tokens=9_000))
    assert driver.program("p").context_tokens == 500
    driver.send(known("q"))
    driver.turn("q", 700)
    driver.send(BackendLeft("a"))
    driver.send(BackendJoined("a", 20_000))
    driver.send(known("q"))
    assert driver.program("q").status is Status.PAUSED, "it has run since, and what it left there went with that backend"


def test_a_program_whose_turn_waits_already_is_not_counted_elsewhere() -> None:
    driver = Driver(ThunderPolicy(), a=4_000)
    driver.turn("large", 3_800)
    running = driver.arrive("large", 3_900)
    driver.send(known(backend_id="b"))
    turn = driver.arrive("p", 3_000)
    assert driver.parked(turn)
    driver.send(BackendJoined("b", 100))
    driver.send(known(backend_id="b"))
    assert driver.program("p").status is Status.PARKED
    driver.end(running, 3_900)


def test_births_keep_their_order_and_later_ones_come_after() -> None:
    driver = Driver(ThunderPolicy(), a=20_000)
    for program_id, birth in (("first", 3), ("second", 17)):
        driver.send(known(program_id, birth=birth))
    driver.turn("new", 100)
    assert [driver.program(name).birth for name in ("first", "second", "new")] == [3, 17, 18]


def test_a_birth_that_is_taken_or_cannot_be_becomes_the_next_one() -> None:
    driver = Driver(ThunderPolicy(), a=20_000)
    driver.turn("live", 100)
    driver.send(known("old", birth=0))
    driver.send(known("odd", birth=2**60))
    assert [driver.program(name).birth for name in ("live", "old", "odd")] == [0, 1, 2]


def test_what_a_smaller_engine_cannot_hold_is_shed_smallest_first() -> None:
    driver = Driver(ThunderPolicy(), a=5_000)
    for tokens in (1_000, 2_000, 3_000):
        driver.send(known(f"p{tokens}", context_tokens=tokens))
    assert [driver.program(f"p{tokens}").status for tokens in (1_000, 2_000, 3_000)] == [
        Status.PAUSED,
        Status.ACTING,
        Status.ACTING,
    ]


def test_one_that_nobody_asks_for_expires_but_not_at_once() -> None:
    driver = Driver(ThunderPolicy(), Limits(idle_ttl_s=100.0), a=20_000)
    driver.send(known(acting_s=1e9))
    driver.wait(49.0)
    assert "p" in driver.scheduler.programs
    driver.wait(2.0)
    assert "p" not in driver.scheduler.programs
    assert driver.scheduler.counters.expired == 1


def test_the_age_of_a_tool_call_counts_where_nothing_expires() -> None:
    driver = Driver(ThunderPolicy(), Limits(idle_ttl_s=None), a=20_000)
    driver.send(known(acting_s=1e6))
    assert driver.scheduler.remember(driver.program("p")).acting_s == 1e6


def test_the_call_that_a_restart_interrupted_says_nothing_of_its_tool() -> None:
    driver = Driver(ThunderPolicy(), a=20_000)
    driver.send(known())
    driver.turn("p", 3_100, tool="bash")
    assert driver.scheduler.remember_statistics()["tools"] == {"": []}
    driver.turn("p", 3_200)
    assert driver.scheduler.remember_statistics()["tools"] != {"": []}


def test_numbers_that_cannot_be_are_made_harmless() -> None:
    driver = Driver(ThunderPolicy(), a=20_000)
    driver.send(known(context_tokens=-5, shared_tokens=math.inf, prompt_characters=math.nan, priority=math.nan, acting_s=-1.0))
    program = driver.program("p")
    assert (program.context_tokens, program.shared_tokens, program.priority) == (0, 0, 0)
    assert program.acting_since_s == driver.now
    assert driver.scheduler.counters.bad_values == 4


def test_a_shared_start_that_is_another_by_now_is_not_shared() -> None:
    driver = Driver(ThunderPolicy(), a=20_000)
    driver.end(driver.arrive("live", 2_000, prefix="system", prefix_tokens=600), 2_000)
    driver.send(known(prefix="system", prefix_tokens=500, shared_tokens=500))
    driver.send(known("q", group="g", group_tokens=900, prefix="mine", prefix_tokens=400, shared_tokens=400))
    assert driver.program("p").shared_tokens == 0
    assert driver.program("q").shared_tokens == 400


def test_more_programs_than_may_be_tracked_are_forgotten_longest_idle_first() -> None:
    driver = Driver(ThunderPolicy(), Limits(max_programs=2), a=20_000)
    for number in range(3):
        driver.send(known(str(number), birth=number, acting_s=10.0 - number))
    assert list(driver.scheduler.programs) == ["1", "2"]
    running = [driver.arrive(name, 3_000) for name in ("1", "2")]
    driver.send(known("late", birth=9))
    assert "late" not in driver.scheduler.programs
    assert driver.scheduler.counters.evicted == 2
    assert all(map(driver.admitted_to, running))


def test_a_turn_that_a_weight_sync_holds_is_its_programs_turn() -> None:
    driver = Driver(ThunderPolicy(), a=20_000)
    driver.send(WeightSyncBegan())
    first, second = driver.arrive("p", 3_000), driver.arrive("p", 3_000)
    driver.send(known())
    driver.send(TurnCancelled(first))
    driver.send(WeightSyncEnded())
    assert driver.admitted_to(second) == "a"
    assert driver.program("p").held_turns == 0


def test_where_turns_are_placed_anew_nothing_is_held() -> None:
    driver = Driver(DefaultPolicy("least-loaded"), a=20_000)
    driver.send(known())
    assert driver.program("p").status is Status.PAUSED


def test_the_published_tick_resumes_recovered_programs_too() -> None:
    driver = Driver(TrPolicy.published(acting_half_life_s=1.0), a=20_000)
    driver.send(known("held"))
    driver.send(known("given up", held=False))
    driver.wait(6.0)
    assert driver.program("given up").status is Status.ACTING
    driver.turn("held", 3_100)


def test_kv_that_is_lost_is_not_remembered_as_held() -> None:
    driver = Driver(ThunderPolicy(), a=20_000)
    driver.turn("p", 3_000)
    assert driver.scheduler.remember(driver.program("p")).held
    driver.send(WeightSyncEnded(kv_lost=True))
    assert not driver.scheduler.remember(driver.program("p")).held


def test_changes_are_told_to_whoever_follows_them() -> None:
    driver = Driver(ThunderPolicy(), a=20_000)
    driver.turn("before", 100)
    changed = driver.scheduler.follow_changes()
    assert driver.scheduler.follow_changes() is changed
    turn = driver.arrive("p", 3_000)
    assert changed == {"p"}
    changed.clear()
    driver.end(turn, 3_000)
    driver.release("before")
    assert changed == {"p", "before"}


@pytest.mark.parametrize("held", [True, False])
def test_one_that_never_ran_leaves_no_trace_when_its_turn_is_withdrawn(held: bool) -> None:
    driver = Driver(ThunderPolicy(), a=4_000)
    driver.turn("large", 3_800)
    driver.arrive("large", 3_900)
    driver.send(replace(known(held=held), backend_id=None, acting_s=None))
    turn = driver.arrive("p", 3_000)
    driver.send(TurnCancelled(turn))
    assert "p" not in driver.scheduler.programs


def test_one_that_never_ran_is_over_when_its_turn_is_refused() -> None:
    driver = Driver(ThunderPolicy())
    driver.send(replace(known(), backend_id=None, held=False, acting_s=None))
    turn = driver.arrive("p", 3_000)
    assert driver.refusal(turn) is not None
    assert "p" not in driver.scheduler.programs
