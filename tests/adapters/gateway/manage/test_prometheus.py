"""``GET /metrics`` follows Prometheus' rules and tells all that is counted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from thunderagent.adapters.gateway.manage import HttpCounts, Waits
from thunderagent.adapters.gateway.manage.prometheus import COUNTERS, DERIVED, GAUGES

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
        assert [metrics["thunderagent_backend_up", url] for url in (A, B, "http://c:1")] == [1, 1, 0]
        assert [metrics["thunderagent_backend_open_requests", url] for url in (A, B, "http://c:1")] == [1, 0, 0]
        assert [metrics["thunderagent_backend_breaker", B, state] for state in ("closed", "half_open", "open")] == [0, 0, 1]
        assert metrics["thunderagent_backend_usable", B] == 0
        assert [metrics[f"thunderagent_backend_{name}_total", B] for name in ("requests", "retries", "failures")] == [5, 5, 5]
        assert metrics["thunderagent_backend_breaker_openings_total", B] == 1
        assert ("thunderagent_backend_capacity_tokens", A) not in metrics  # unknown is not zero
        gateway.fleet.close()

    run(scenario)


def test_every_number_of_the_snapshot_has_its_place() -> None:
    assert {*GAUGES, *COUNTERS, *DERIVED} == set(Gateway().runtime.snapshot())
    assert not set(GAUGES) & set(COUNTERS) and not DERIVED & {*GAUGES, *COUNTERS}


def test_names_follow_prometheus_rules_and_no_label_names_a_program() -> None:
    async def scenario() -> None:
        gateway = Gateway(collectors=(HttpCounts(), Waits()))
        await gateway.turn("secret-program")
        text = (await gateway.get("/metrics")).body.decode()
        assert "secret-program" not in text
        families = [family for family in parse(text) if not family.name.startswith("process_")]
        assert len({family.name for family in families}) == len(families)
        for family in families:
            assert family.name.startswith("thunderagent_")
            assert family.documentation.endswith(".")
            assert not family.name.endswith(("_s", "_ms", "_count", "_sum"))
            assert {key for sample in family.samples for key in sample.labels} <= {
                "backend",
                "breaker",
                "endpoint",
                "le",
                "outcome",
                "part",
                "reason",
                "state",
                "status",
            }
            if family.type == "counter":
                assert all(sample.name.endswith("_total") for sample in family.samples)

    run(scenario)


def test_who_asks_for_openmetrics_gets_it() -> None:
    async def scenario() -> None:
        gateway = Gateway(collectors=(HttpCounts(), Waits()))
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
        counts.retries[A] += 2
        counts.disconnects += 4
        counts.open_requests += 5
        metrics = await scraped(Gateway(collectors=(counts,)))
        assert metrics["thunderagent_http_answers_total", "/v1/chat/completions", "200"] == 3
        assert metrics["thunderagent_http_answers_total", "/v1/chat/completions", "429"] == 1
        assert metrics["thunderagent_http_problems_total", "queue_full"] == 1
        assert metrics["thunderagent_http_retries_total", A] == 2
        assert metrics["thunderagent_http_disconnects_total",] == 4
        assert metrics["thunderagent_http_open_requests",] == 5

    run(scenario)


@pytest.mark.parametrize("mistake", ["garbage", "text/plain; version=", "application/openmetrics-text; version=x", ""])
def test_an_odd_accept_header_is_no_error(mistake: str) -> None:
    async def scenario() -> None:
        assert (await Gateway().get("/metrics", accept=mistake)).status == 200

    run(scenario)


def test_waits_are_counted_in_the_right_buckets() -> None:
    async def scenario() -> None:
        waits = Waits()
        gateway = Gateway(collectors=(waits,), on_step=waits.put)
        await gateway.turn("p")
        metrics = await scraped(gateway)
        assert metrics["thunderagent_wait_seconds_bucket", "0.001"] == 1
        assert metrics["thunderagent_wait_seconds_count",] == 1
        assert gateway.profiles is not None
        step = gateway.profiles.get("p").last[0]  # type: ignore[union-attr]
        for wait_s in (0.0011, 30.0, 30.1, 5_000.0):
            waits.put(replace(step, pause_s=wait_s))
        metrics = await scraped(gateway)
        buckets = {
            le: metrics["thunderagent_wait_seconds_bucket", le] for le in ("0.001", "0.01", "30.0", "60.0", "1800.0", "+Inf")
        }
        assert buckets == {"0.001": 1, "0.01": 2, "30.0": 3, "60.0": 4, "1800.0": 4, "+Inf": 5}
        assert metrics["thunderagent_wait_seconds_sum",] == pytest.approx(5_060.1011)

    run(scenario)
