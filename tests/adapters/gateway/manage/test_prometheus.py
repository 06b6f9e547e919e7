"""``GET /metrics`` follows Prometheus' rules and tells all that is counted."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, NoReturn

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from tests.memory_sandboxes import MemorySandboxes
from thunderagent.adapters.gateway.manage import HttpCounts, TurnHistograms
from thunderagent.adapters.gateway.manage.metrics import FAMILIES, Family, Kind, SandboxMetrics
from thunderagent.adapters.gateway.manage.metrics.scheduler import DERIVED, READ
from thunderagent.runtime import StepProfile
from thunderagent.runtime.tools import ToolHost

from .support import A, B, Gateway, Told, run


async def scraped(gateway: Gateway) -> dict[tuple[str, ...], float]:
    """Name and label values -> value, as Prometheus' own parser reads them."""
    answer = await gateway.get("/metrics")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in parse(answer.body.decode())
        for sample in family.samples
    }


def test_the_scheduler_and_its_engines_are_shown() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        await gateway.turn("train/1", 8_000, 10)
        gateway.clock.now_s += 2.0
        await gateway.turn("train/1", 8_100, 10)
        home = gateway.runtime.scheduler.programs["train/1"].origin_id or ""
        gateway.arrive("train/1", 8_200)
        gateway.arrive("train/2", 8_500)
        gateway.arrive("train/3", 8_500)
        metrics = await scraped(gateway)
        assert metrics["thunderagent_programs",] == 3
        assert metrics["thunderagent_waiting_turns",] == 1
        assert metrics["thunderagent_turns_total",] == 5
        assert metrics["thunderagent_turns_admitted_total",] == 4
        assert metrics["thunderagent_steps_total", "completed"] == 2
        assert metrics["thunderagent_prompt_tokens_total",] == 16_100
        assert metrics["thunderagent_cached_tokens_total",] == 8_050
        assert metrics["thunderagent_step_seconds_total", "tool_call"] == 2.0
        assert metrics["thunderagent_step_seconds_total", "decode"] == 2.0
        assert metrics["thunderagent_backend_committed_tokens", home] == 8_200
        assert metrics["thunderagent_backend_reasoning_programs", home] == 1
        assert metrics["thunderagent_backend_acting_programs", home] == 0
        assert metrics["thunderagent_backend_capacity_tokens", A] == 10_000
        assert metrics["thunderagent_backend_usable", B] == 1
        assert metrics["thunderagent_weight_sync",] == 0
        assert metrics["process_resident_memory_bytes",] > 0

    run(scenario)


def test_what_engines_tell_of_their_own_load_is_shown_and_nothing_where_they_do_not() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        gateway.watch.known[A].kind = "sglang"
        gateway.watch.loads[A] = Told(usage=0.25, running=2, queried_tokens=50, hit_tokens=20)
        metrics = await scraped(gateway)
        assert metrics["thunderagent_engine_info", A, "sglang"] == 1
        assert metrics["thunderagent_engine_kv_usage_ratio", A] == 0.25
        assert metrics["thunderagent_engine_running_requests", A] == 2
        assert metrics["thunderagent_engine_prefix_queried_tokens_total", A] == 50
        assert metrics["thunderagent_engine_prefix_hit_tokens_total", A] == 20
        assert ("thunderagent_engine_waiting_requests", A) not in metrics
        assert ("thunderagent_engine_running_requests", B) not in metrics

    run(scenario)


def test_an_engine_in_trouble_is_seen() -> None:
    async def scenario() -> None:
        gateway = Gateway(draining=True, capacity_tokens=None)
        gateway.watch.join("http://c:1", None)
        gateway.watch.die("http://c:1", "refused")
        gateway.fleet.took(A)
        for _ in range(gateway.settings.breaker_failures):
            gateway.fleet.ended(B, False, gateway.fleet.took(B, retry=True))
        metrics = await scraped(gateway)
        assert metrics["thunderagent_draining",] == 1
        assert [metrics["thunderagent_engine_up", url] for url in (A, B, "http://c:1")] == [1, 1, 0]
        assert [metrics["thunderagent_engine_open_requests", url] for url in (A, B, "http://c:1")] == [1, 0, 0]
        assert [metrics["thunderagent_engine_breaker", B, state] for state in ("closed", "half_open", "open")] == [0, 0, 1]
        assert metrics["thunderagent_backend_usable", B] == 0
        assert [metrics[f"thunderagent_engine_{name}_total", B] for name in ("requests", "retries", "failures")] == [5, 5, 5]
        assert metrics["thunderagent_engine_breaker_openings_total", B] == 1
        assert ("thunderagent_backend_capacity_tokens", A) not in metrics  # unknown is not zero
        gateway.fleet.close()

    run(scenario)


def test_every_number_of_the_snapshot_has_its_place() -> None:
    assert {*READ, *DERIVED} == set(Gateway().runtime.snapshot())
    assert not DERIVED & set(READ)


BOUNDED = {"backend", "endpoint", "engine", "kind", "outcome", "part", "reason", "state", "status"}
"""Labels: engines, and words of fixed lists."""


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_names_follow_prometheus_rules(family: Family) -> None:
    assert re.fullmatch("(thunderagent|process)(_[a-z]+)+", family.name)
    assert family.text[-1] == "."
    assert not re.search(r"_(total|count|sum|bucket|s|ms|us|kb|mb|gb|minutes|percent|counter|gauge|histogram)$", family.name)
    assert set(family.labels) <= BOUNDED


def test_every_metric_is_registered_as_it_is_shown() -> None:
    async def scenario() -> None:
        tools = ToolHost(MemorySandboxes(), "me")
        gateway = Gateway(collectors=(HttpCounts(), TurnHistograms(), SandboxMetrics(tools)), tools=tools)
        text = (await gateway.get("/metrics")).body.decode()
        shown = {family.name: (family.type, family.documentation) for family in parse(text)}
        assert shown == {family.name: (family.kind.value, family.text) for family in FAMILIES}
        labels = {family.name: set(family.labels) | ({"le"} if family.kind is Kind.HISTOGRAM else set()) for family in FAMILIES}
        for family in parse(text):
            assert {sample.name for sample in family.samples} <= {*_family(family.name).series}
            assert {key for sample in family.samples for key in sample.labels} <= labels[family.name]

    run(scenario)


def _family(name: str) -> Family:
    return next(family for family in FAMILIES if family.name == name)


def test_no_name_is_used_twice_not_even_by_a_series() -> None:
    series = [name for family in FAMILIES for name in family.series]
    assert len(set(series)) == len(series)
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)  # OpenMetrics leaves _total out


def test_nothing_names_a_program() -> None:
    async def scenario() -> None:
        turns = TurnHistograms()
        gateway = Gateway(collectors=(HttpCounts(), turns), on_step=turns.put)
        await gateway.turn("secret-program")
        assert b"secret-program" not in (await gateway.get("/metrics")).body

    run(scenario)


class Unscanned(dict[str, Any]):
    """Single programs may be looked at."""

    def __iter__(self) -> NoReturn:
        raise AssertionError("all programs are looked at")

    keys = values = items = __iter__


def test_a_scrape_does_not_look_at_all_programs() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        await gateway.turn("p")
        gateway.arrive("q", 8_000)
        state = gateway.runtime.scheduler._state
        programs = state.programs
        state.programs = Unscanned(programs)
        metrics = await scraped(gateway)
        state.programs = programs
        assert metrics["thunderagent_programs",] == 2

    run(scenario)


def test_who_asks_for_openmetrics_gets_it() -> None:
    async def scenario() -> None:
        gateway = Gateway(collectors=(HttpCounts(), TurnHistograms()))
        answer = await gateway.get("/metrics", accept="application/openmetrics-text; version=1.0.0, text/plain;q=0.5")
        assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
        assert any(family.name == "thunderagent_turns" for family in parse_openmetrics(answer.body.decode()))

    run(scenario)


def test_what_the_gateway_counts_of_http_is_shown() -> None:
    async def scenario() -> None:
        counts = HttpCounts()
        counts.answers["/v1/chat/completions", 200] += 3
        counts.answers["/v1/chat/completions", 429] += 1
        counts.problems["queue_full"] += 1
        counts.retries += 2
        counts.disconnects += 4
        counts.open_requests += 5
        metrics = await scraped(Gateway(collectors=(counts,)))
        assert metrics["thunderagent_http_answers_total", "/v1/chat/completions", "200"] == 3
        assert metrics["thunderagent_http_answers_total", "/v1/chat/completions", "429"] == 1
        assert metrics["thunderagent_http_problems_total", "queue_full"] == 1
        assert metrics["thunderagent_http_retries_total",] == 2
        assert metrics["thunderagent_http_disconnects_total",] == 4
        assert metrics["thunderagent_http_open_requests",] == 5

    run(scenario)


@pytest.mark.parametrize("mistake", ["garbage", "text/plain; version=", "application/openmetrics-text; version=x", ""])
def test_an_odd_accept_header_is_no_error(mistake: str) -> None:
    async def scenario() -> None:
        assert (await Gateway().get("/metrics", accept=mistake)).status == 200

    run(scenario)


def test_turns_are_counted_in_the_right_buckets() -> None:
    async def scenario() -> None:
        turns = TurnHistograms()
        gateway = Gateway(collectors=(turns,), on_step=turns.put)
        await gateway.turn("p")
        metrics = await scraped(gateway)
        assert metrics["thunderagent_turn_wait_seconds_bucket", "0.001"] == 1
        assert metrics["thunderagent_turn_wait_seconds_count",] == 1
        assert metrics["thunderagent_tool_call_seconds_count",] == 0  # none was called before the first turn
        assert gateway.profiles is not None
        step = gateway.profiles.get("p").last[0]  # type: ignore[union-attr]
        for wait_s in (0.0011, 30.0, 30.1, 5_000.0):
            turns.put(replace(step, pause_s=wait_s))
        metrics = await scraped(gateway)
        buckets = {
            le: metrics["thunderagent_turn_wait_seconds_bucket", le] for le in ("0.001", "0.01", "30.0", "60.0", "1800.0", "+Inf")
        }
        assert buckets == {"0.001": 1, "0.01": 2, "30.0": 3, "60.0": 4, "1800.0": 4, "+Inf": 5}
        assert metrics["thunderagent_turn_wait_seconds_sum",] == pytest.approx(5_060.1011)

    run(scenario)


STEP = StepProfile(
    program_id="p",
    step_id=2,
    prefill_s=0.5,
    decode_s=3.0,
    pause_s=4.0,
    tool_call_s=1.5,
    kv_hit_rate=None,
    completed_at=108.0,
    arrived_at=100.0,
    queue_s=0.25,
    prompt_tokens=1_000,
    cached_tokens=None,
    completion_tokens=7,
    reprefilled_tokens=None,
    backend=A,
    group="",
    phase="",
    outcome="completed",
)


def sums(*steps: StepProfile) -> dict[str, tuple[float, float]]:
    """Of each histogram: how many values, and their sum."""
    turns = TurnHistograms()
    for step in steps:
        turns.put(step)
    found = {}
    for metric in turns.collect():
        value = {sample.name.removeprefix(metric.name): sample.value for sample in metric.samples if "le" not in sample.labels}
        found[metric.name.removeprefix("thunderagent_")] = value["_count"], value["_sum"]
    return found


def test_the_parts_of_a_turn_go_to_their_histograms() -> None:
    assert sums(STEP) == {
        "turn_wait_seconds": (1, 4.0),
        "time_to_first_token_seconds": (1, 4.75),
        "turn_seconds": (1, 8.0),
        "tool_call_seconds": (1, 1.5),
        "turn_prompt_tokens": (1, 1_000),
    }


def test_what_is_not_known_of_a_turn_is_not_counted() -> None:
    whole = sums(replace(STEP, prefill_s=None, queue_s=None))
    assert whole["time_to_first_token_seconds"] == (0, 0)
    failed = sums(replace(STEP, outcome="failed"))
    assert [failed[name][0] for name in ("turn_wait_seconds", "tool_call_seconds", "turn_seconds", "turn_prompt_tokens")] == [
        *(1, 1, 0, 0)
    ]
