"""For each parked program the scheduler says why it waits, and for what."""

from __future__ import annotations

import pytest

from tests.core.driver import Driver
from thunderagent.core import (
    CapPolicy,
    DefaultPolicy,
    Explanation,
    ParkReason,
    Policy,
    ThunderPolicy,
    TrPolicy,
    WeightSyncBegan,
    WeightSyncEnded,
)


def parked(policy: Policy) -> Driver:
    driver = Driver(policy, a=10_000)
    driver.arrive("running", 8_000)
    driver.arrive("first", 7_000)
    driver.arrive("second", 6_000)
    driver.now = 2.0
    driver.release("nobody")
    return driver


def test_the_first_in_line_waits_for_tokens_and_the_others_behind_it() -> None:
    driver = parked(ThunderPolicy(max_wait_s=60.0))
    first, second = driver.scheduler.explain_all()
    room = "7,000 tokens of KV cache; most is free on a: 700"
    assert first == Explanation("first", ParkReason.NO_ROOM, room, 0, 2.0, 58.0)
    assert second.reason is ParkReason.BEHIND
    assert second.waits_for == f"1 ahead of it; the first, first, waits for {room}"
    assert (driver.scheduler.explain("first"), driver.scheduler.explain("second")) == (first, second)


@pytest.mark.parametrize(
    ("policy", "reason", "waits_for"),
    [
        (CapPolicy(programs_per_backend=1), ParkReason.NO_SLOT, "one of 1 program slots to be released"),
        (TrPolicy(max_wait_s=None), ParkReason.NO_ROOM, "6,000 tokens of KV cache; most is free on a: 900"),
        (
            TrPolicy.published(),
            ParkReason.TICK,
            "the next tick, at most 5 s away, and 6,000 tokens of KV cache; most is free on a: 1,900",
        ),
    ],
)
def test_every_policy_says_what_it_waits_for(policy: Policy, reason: ParkReason, waits_for: str) -> None:
    first = parked(policy).scheduler.explain_all()[0]
    assert (first.reason, first.waits_for) == (reason, waits_for)
    assert first.forced_in_s == (None if policy.max_wait_s is None else policy.max_wait_s - 2.0)


def test_where_the_capacity_is_unknown_that_is_said() -> None:
    driver = Driver(TrPolicy.published(), a=None)
    driver.arrive("ran before", 10)
    driver.send(WeightSyncBegan())
    driver.arrive("p", 10)
    driver.arrive("q", 20)
    driver.send(WeightSyncEnded())
    first = driver.scheduler.explain_all()[0]
    assert first.waits_for.endswith("10 tokens of KV cache; most is free on a: no known limit")


def test_who_is_not_parked_needs_no_explanation() -> None:
    driver = parked(ThunderPolicy())
    assert driver.scheduler.explain("running") is None
    assert driver.scheduler.explain("unknown") is None


def test_during_a_weight_sync_everybody_waits_for_its_end() -> None:
    driver = parked(ThunderPolicy())
    driver.send(WeightSyncBegan())
    driver.now = 5.0
    driver.arrive("first", 7_500)
    driver.arrive("running", 8_100)
    driver.arrive("unknown", 10)
    explained = driver.scheduler.explain_all()
    assert [e.program_id for e in explained] == ["first", "second", "running", "unknown"]
    assert {e.reason for e in explained} == {ParkReason.WEIGHT_SYNC}
    assert {e.waits_for for e in explained} == {"the end of the weight sync"}
    assert explained[2].waited_s == 3.0


def test_some_are_explained_as_all_are() -> None:
    driver = parked(ThunderPolicy())
    driver.send(WeightSyncBegan())
    driver.arrive("unknown", 10)
    driver.arrive("running", 8_100)
    scheduler = driver.scheduler
    assert sorted(scheduler.parked_ids()) == ["first", "running", "second", "unknown"]
    assert [e.program_id for e in scheduler.explain_all()] == ["first", "second", "unknown", "running"]
    wanted = {"second", "unknown", "nobody"}
    assert scheduler.explain_all(wanted) == [e for e in scheduler.explain_all() if e.program_id in wanted]
    assert scheduler.explain_all(()) == []


def test_without_backends_the_policies_wait_for_one() -> None:
    driver = Driver(DefaultPolicy())
    program = parked(ThunderPolicy()).program("first")
    for policy in (DefaultPolicy(), ThunderPolicy(), TrPolicy()):
        assert policy.waits_for(program, driver.scheduler.ledger, 0.0) == "a backend to come up"
        assert policy.park_reason is ParkReason.NO_ROOM
        assert policy.place_by_force(program, driver.scheduler.ledger) is None
        assert policy.place(program, driver.scheduler.ledger, 0.0) is None
