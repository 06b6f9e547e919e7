"""``GET /programs`` shows where every program stands, and why it is parked."""

from __future__ import annotations

import re
from typing import Any

import pytest

from thunderagent.core import CapPolicy, DefaultPolicy, Policy, ThunderPolicy, TrPolicy

from .support import A, B, Gateway, run


def crowd(gateway: Gateway) -> None:
    """Two programs fill the engines, a third waits."""
    gateway.arrive("first", 8_000, group="g", phase="train", prompt_characters=30_000)
    gateway.arrive("second", 8_000)
    gateway.arrive("third", 7_000)


def test_a_running_program_has_the_fields_of_the_public_api_and_ours() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        backend = await gateway.turn("p", 1_000, 20)
        gateway.arrive("p", 1_100, tool="bash", prompt_characters=4_000)
        answer = await gateway.get("/programs")
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        program = answer.json["p"]
        profile = program.pop("profile")
        assert program == {
            "backend": backend,
            "context_len": 0,
            "total_tokens": 1_100,
            "step_count": 1,
            "status": "reasoning",
            "state": "active",
            "program_id": "p",
            "group": "",
            "phase": "",
            "tool": "",
            "last_backend": backend,
            "running_turns": 1,
            "waiting_turns": 0,
            "parked": None,
            "tools": [],
        }
        assert (profile["step_count"], profile["avg_kv_hit_rate"]) == (1, 0.5)

    run(scenario)


def test_a_program_in_a_tool_call_is_acting_and_one_without_its_cache_is_paused() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        await gateway.turn("p")
        acting = (await gateway.get("/programs")).json["p"]
        assert (acting["status"], acting["state"], acting["backend"]) == ("acting", "active", acting["last_backend"])
        gateway.runtime.remove_backend(acting["backend"])
        paused = (await gateway.get("/programs")).json["p"]
        assert (paused["status"], paused["state"], paused["backend"]) == ("acting", "paused", None)
        assert paused["last_backend"] == acting["backend"]

    run(scenario)


def test_a_parked_program_says_why_and_since_when_also_when_nothing_has_happened_for_long() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        crowd(gateway)
        gateway.clock.now_s += 60.0  # the scheduler has not been told anything since
        parked = (await gateway.get("/programs?state=parked")).json
        assert list(parked) == ["third"]
        third = parked["third"]
        assert (third["status"], third["state"], third["waiting_turns"]) == ("reasoning", "paused", 1)
        why = third["parked"]
        assert why["reason"] == "no room in the KV cache"
        assert re.fullmatch(r"7,000 tokens of KV cache; most is free on http://[ab]:8000: [\d,]+", why["waits_for"])
        assert (why["ahead"], why["waited_s"], why["forced_in_s"]) == (0, 60.0, 1_740.0)

    run(scenario)


@pytest.mark.parametrize("policy", [DefaultPolicy(), CapPolicy(1), TrPolicy(), TrPolicy.published(), ThunderPolicy()])
def test_every_policy_is_shown(policy: Policy) -> None:
    async def scenario() -> None:
        gateway = Gateway(policy)
        for number in range(6):
            gateway.arrive(f"p{number}", 6_000)
        programs = (await gateway.get("/programs")).json
        assert len(programs) == 6
        parked = {name for name, program in programs.items() if program["parked"] is not None}
        assert parked == set(gateway.runtime.scheduler.parked_ids())
        assert all((program["state"] == "paused") == (name in parked) for name, program in programs.items())

    run(scenario)


def test_a_weight_sync_parks_programs_that_are_new_and_those_that_are_known() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        await gateway.turn("known")
        gateway.runtime.begin_weight_sync()
        gateway.arrive("known", 200)
        gateway.arrive("new", 200)
        programs = (await gateway.get("/programs?state=parked")).json
        assert list(programs) == ["known", "new"]
        assert {program["parked"]["reason"] for program in programs.values()} == {"weights are being synchronised"}
        assert [program["state"] for program in programs.values()] == ["active", "paused"]
        assert [program["status"] for program in programs.values()] == ["reasoning"] * 2
        assert programs["new"]["backend"] is None

    run(scenario)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["acting", "first", "held", "second", "third"]),
        ("state=active", ["acting", "first", "second"]),
        ("state=paused", ["held", "third"]),
        ("state=parked", ["held", "third"]),
        ("status=acting", ["acting"]),
        ("status=reasoning", ["first", "held", "second", "third"]),
        ("state=active&status=reasoning", ["first", "second"]),
        ("state=paused&status=acting", []),
    ],
)
def test_programs_are_chosen_by_state_and_status(query: str, expected: list[str]) -> None:
    async def scenario() -> None:
        gateway = Gateway()
        await gateway.turn("acting", 10)
        crowd(gateway)
        gateway.runtime.begin_weight_sync()
        gateway.arrive("held")
        answer = await gateway.get(f"/programs?{query}")
        assert list(answer.json) == expected
        assert answer.headers["x-total-count"] == str(len(expected))

    run(scenario)


def test_pages_follow_each_other_and_a_program_that_left_breaks_nothing() -> None:
    async def scenario() -> None:
        gateway = Gateway(capacity_tokens=None)
        for number in range(5):
            gateway.arrive(f"train/{number}")
        first = await gateway.get("/programs?limit=2&state=active")
        assert list(first.json) == ["train/0", "train/1"]
        assert first.headers["x-total-count"] == "5"
        link = first.headers["link"]
        assert link == '</programs?limit=2&state=active&after=train%2F1>; rel="next"'
        gateway.runtime.release("train/1")
        second = await gateway.get(link[1 : link.index(">")])
        assert list(second.json) == ["train/2", "train/3"]
        last = await gateway.get("/programs?limit=2&after=train/3")
        assert list(last.json) == ["train/4"]
        assert "link" not in last.headers

    run(scenario)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("limit=-1", "limit"),
        ("limit=1.5", "limit"),
        ("limit=", "limit"),
        ("limit=%D9%A1", "limit"),
        ("limit=" + "9" * 5_000, "limit"),
        ("limit=1&limit=2", "limit"),
        ("state=asleep", "state"),
        ("status=ACTING", "status"),
    ],
)
def test_a_query_that_makes_no_sense_names_the_parameter(query: str, param: str) -> None:
    async def scenario() -> None:
        answer = await Gateway().get(f"/programs?{query}")
        assert (answer.status, answer.json["error"]["param"]) == (400, param)

    run(scenario)


def test_once_the_policy_has_failed_programs_are_shown_without_reasons() -> None:
    class Failing(ThunderPolicy):
        def waits_for(self, *args: Any) -> str:
            raise ZeroDivisionError

    async def scenario() -> None:
        gateway = Gateway(Failing())
        for name in ("first", "second", "third"):
            gateway.arrive(name, 8_000)
        gateway.runtime.degraded = True
        programs = (await gateway.get("/programs")).json
        assert [program["parked"] for program in programs.values()] == [None, None, None]
        assert (await gateway.get("/programs?state=parked")).json == {}

    run(scenario)


def test_without_profiles_there_are_none_in_the_list() -> None:
    async def scenario() -> None:
        gateway = Gateway(profiles=None)
        await gateway.turn("p")
        assert (await gateway.get("/programs")).json["p"]["profile"] is None
        assert {A, B} >= {(await gateway.get("/programs")).json["p"]["backend"]}

    run(scenario)
