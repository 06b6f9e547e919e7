"""Turns that run already when the scheduler hears of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.driver import Driver
from thunderagent.core import (
    Admit,
    BackendJoined,
    BackendLeft,
    FirstToken,
    Limits,
    Status,
    ThunderPolicy,
    TrPolicy,
    TurnAdopted,
    TurnCancelled,
    Usage,
    WeightSyncBegan,
)
from thunderagent.core import TurnEnded as Ended

TURN = 1_000


def adopt(driver: Driver, program_id: str, backend_id: str, tokens: int, turn_id: int = TURN, **more: Any) -> None:
    driver.send(TurnAdopted(program_id, turn_id, tokens, backend_id=backend_id, **more))


def test_a_restarted_scheduler_counts_a_running_program_where_it_runs() -> None:
    driver = Driver(TrPolicy(), a=10_000, b=10_000)
    adopt(driver, "p", "b", 3_000)
    program = driver.scheduler.programs["p"]
    assert (program.status, program.backend and program.backend.id, program.context_tokens) == (Status.REASONING, "b", 3_000)
    counters = driver.scheduler.counters
    assert (counters.adopted, counters.turns, counters.admitted) == (1, 0, 0)
    driver.end(TURN, 3_000, 50)
    assert program.status is Status.ACTING
    assert program.context_tokens == 3_050


def test_a_recovered_program_is_believed_where_its_turn_runs_and_not_where_it_was() -> None:
    driver = Driver(ThunderPolicy(), a=10_000, b=10_000)
    driver.turn("p", 3_000)
    remembered = driver.scheduler.remember(driver.scheduler.programs["p"])
    assert remembered.backend_id == "a"
    restarted = Driver(ThunderPolicy(), b=10_000)
    restarted.send(remembered)
    adopt(restarted, "p", "b", 3_000)
    restarted.end(TURN, 3_000, 50)
    restarted.send(BackendLeft("b"))
    restarted.send(BackendJoined("a", 10_000))
    restarted.send(remembered)  # as the keeper does for an engine that answers late
    assert restarted.scheduler.programs["p"].status is Status.PAUSED


def test_a_turn_that_a_weight_sync_holds_is_of_the_same_program() -> None:
    driver = Driver(TrPolicy(), a=10_000)
    driver.send(WeightSyncBegan())
    held = driver.arrive("p", 1_000)
    adopt(driver, "p", "a", 3_000)
    assert driver.scheduler.programs["p"].held_turns == 1
    driver.send(TurnCancelled(held))
    assert driver.scheduler.programs["p"].held_turns == 0


@pytest.mark.parametrize("known", ["acting here", "reasoning here", "acting elsewhere", "paused", "parked"])
def test_its_program_is_resident_there_whatever_was_known_of_it(known: str) -> None:
    driver = Driver(TrPolicy(), a=10_000)
    if known == "parked":
        driver.arrive("large", 8_000)
        parked = driver.arrive("p", 4_000)
    elif known == "reasoning here":
        driver.arrive("p", 4_000)
    elif known == "paused":
        driver.turn("p", 2_000)
        driver.turn("large", 3_000)
        driver.turn("growing", 3_000)
        driver.arrive("growing", 6_000)
        assert driver.scheduler.programs["p"].status is Status.PAUSED
    else:
        driver.turn("p", 4_000)
    other = Driver(TrPolicy(), a=10_000, b=10_000) if known == "acting elsewhere" else driver
    if other is not driver:
        other.turn("p", 4_000)
    where = "b" if other is not driver else "a"
    adopt(other, "p", where, 4_100)
    program = other.scheduler.programs["p"]
    assert (program.status, program.backend and program.backend.id) == (Status.REASONING, where)
    assert program.context_tokens == 4_100
    if known == "parked":
        assert Admit(parked, "a", program.birth) in driver.effects


@pytest.mark.parametrize(
    "why", ["unknown backend", "known turn", "runs elsewhere", "waits for a weight sync", "too many programs"]
)
def test_what_cannot_be_counted_runs_on_untracked(why: str) -> None:
    driver = Driver(TrPolicy(), Limits(max_programs=1), a=10_000, b=10_000)
    if why == "unknown backend":
        adopt(driver, "p", "nowhere", 100)
    elif why == "known turn":
        adopt(driver, "p", "a", 100, driver.arrive("p", 100))
    elif why == "runs elsewhere":
        driver.arrive("p", 100)
        adopt(driver, "p", "b", 100)
    elif why == "waits for a weight sync":
        full = Driver(TrPolicy(), a=1_000)
        full.arrive("large", 900)
        full.arrive("p", 500)
        full.send(WeightSyncBegan())
        driver = full
        adopt(driver, "p", "a", 100)
    else:
        driver.arrive("busy", 100)
        adopt(driver, "p", "a", 100)
    counters = driver.scheduler.counters
    assert (counters.adopted, counters.late_events) == (0, 1)


def test_nothing_is_learned_from_how_long_a_turn_took_that_was_adopted() -> None:
    driver = Driver(ThunderPolicy(), a=100_000)
    adopt(driver, "p", "a", 5_000)
    driver.now += 0.001
    driver.send(FirstToken(TURN))
    driver.send(Ended(TURN, Usage(5_000, 10, 0)))
    assert driver.scheduler.ledger.backends["a"].undisturbed_tokens_per_s is None
    adopt(driver, "q", "a", 5_000, TURN + 1)
    driver.send(Ended(TURN + 1, Usage(5_000, 10, 0, prefill_s=0.5)))
    assert driver.scheduler.ledger.backends["a"].undisturbed_tokens_per_s == 10_000
