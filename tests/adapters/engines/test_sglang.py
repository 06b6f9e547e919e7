"""SGLang is read from pages of a real SGLang 0.5.23; more ranks are made of them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.adapters.engines.fake_http import FakeHttp, recorded
from thunderagent.adapters.engines.engine import Call, Page
from thunderagent.adapters.engines.reading import EngineKind, PriorityOrder, Rank, Reading
from thunderagent.adapters.engines.sglang import METRICS_EVERY_LOOKS, SERVER_INFO_TRIES, Sglang
from thunderagent.errors import EngineProblem

LOADS: dict[str, Any] = json.loads(recorded("sglang_0_5_23_loads.json"))
INFO: dict[str, Any] = json.loads(recorded("sglang_0_5_23_server_info.json"))
MODEL: dict[str, Any] = json.loads(recorded("sglang_0_5_23_model_info.json"))
METRICS = recorded("sglang_0_5_23.txt")


def read(http: FakeHttp, engine: Sglang | None = None) -> Reading:
    return asyncio.run((engine or Sglang()).read(http))


def whole(**pages: Any) -> FakeHttp:
    """A real one."""
    return FakeHttp(**{"v1__loads": LOADS, "server_info": INFO, "model_info": MODEL, "metrics": METRICS} | pages)


def load(rank: int, **fields: Any) -> dict[str, Any]:
    return {**LOADS["loads"][0], "dp_rank": rank, **fields}


def test_a_real_sglang_at_work_tells_all() -> None:
    assert read(whole()) == Reading(
        EngineKind.SGLANG,
        (Rank(0, 8_192, 0, 0.6787, 8, 8, None, 877, 692),),
        weight_version="default",
    )


def test_each_rank_tells_its_own_load() -> None:
    loads = {**LOADS, "loads": [load(1, max_total_num_tokens=100, token_usage=0.5), load(0, num_running_reqs=3)]}
    reading = read(whole(v1__loads=loads, server_info=INFO | {"dp_size": 2}))
    assert [(rank.index, rank.capacity_tokens, rank.usage, rank.running) for rank in reading.ranks] == [
        (0, 8_192, 0.6787, 3),
        (1, 100, 0.5, 8),
    ]
    assert [rank.queried_tokens for rank in reading.ranks] == [None, None], "totals are of both"
    assert reading.routes_ranks


@pytest.mark.parametrize(("version", "routes"), [("0.5.9", False), ("0.5.10.post1", True), ("main", False), ("0.6.0", True)])
def test_requests_name_their_rank_since_the_version_that_reads_the_header(version: str, routes: bool) -> None:
    loads = {**LOADS, "version": version, "loads": [load(0), load(1)]}
    assert read(whole(v1__loads=loads)).routes_ranks is routes


def test_without_loads_the_metrics_tell_and_no_rank_counts_twice() -> None:
    line = 'sglang:max_total_num_tokens{{dp_rank="{dp}",tp_rank="{tp}"}} 3.2e+05\n'
    page = "".join(line.format(dp=tp // 2, tp=tp) for tp in range(4))
    reading = read(FakeHttp(metrics=page))
    assert [(rank.index, rank.capacity_tokens) for rank in reading.ranks] == [(0, 320_000), (1, 320_000)]
    assert reading.capacity_tokens == 640_000


def test_load_by_priority_is_part_of_the_total() -> None:
    page = (
        'sglang:num_running_reqs{priority="5"} 2\nsglang:num_running_reqs{priority=""} 7\nsglang:num_queue_reqs{priority=""} 0\n'
    )
    assert read(FakeHttp(metrics=page)).ranks == (Rank(0, None, running=7, waiting=0),)


@pytest.mark.parametrize("path", ["server_info", "get_server_info"])
def test_the_server_s_state_tells_where_nothing_else_does(path: str) -> None:
    assert read(FakeHttp(**{path: INFO})).ranks == (Rank(0, 8_192),)


def test_a_single_rank_s_capacity_is_not_taken_for_the_whole() -> None:
    states = [{"memory_usage": {"token_capacity": 7_000}}, {"memory_usage": {"token_capacity": 8_000}}]
    reading = read(FakeHttp(server_info=INFO | {"dp_size": 2, "internal_states": states}))
    assert [rank.capacity_tokens for rank in reading.ranks] == [7_000, 8_000]
    reading = read(FakeHttp(server_info=INFO | {"dp_size": 2, "internal_states": None}))
    assert [rank.capacity_tokens for rank in reading.ranks] == [8_192, 8_192], "it tells that of its first"


def test_ranks_that_one_page_leaves_out_are_told_by_the_other() -> None:
    page = 'sglang:token_usage{dp_rank="0"} 0.5\n'
    reading = read(FakeHttp(metrics=page, server_info=INFO | {"dp_size": 2}))
    assert [(rank.usage, rank.capacity_tokens) for rank in reading.ranks] == [(0.5, 8_192), (None, 8_192)]


@pytest.mark.parametrize(
    ("hicache", "host_tokens"),
    [
        ({"enable_hierarchical_cache": False}, 0),
        ({"enable_hierarchical_cache": True, "hicache_ratio": 2.5}, 20_480),
        ({"enable_hierarchical_cache": True, "hicache_size": 2}, round(8_192 * 2e9 / (0.5 * 2**30), -2)),
        ({"enable_hierarchical_cache": True, "hicache_ratio": None}, 0),
    ],
)
def test_hicache_is_told_as_a_ratio_or_in_gigabytes(hicache: dict[str, Any], host_tokens: int) -> None:
    states = [{"memory_usage": {"token_capacity": 8_192, "kvcache": 0.5}}]
    rank = read(whole(server_info=INFO | {"internal_states": states} | hicache)).ranks[0]
    assert round(rank.host_tokens, -2) == round(host_tokens, -2)


def test_hicache_s_own_series_wins() -> None:
    page = METRICS + b'sglang:hicache_host_total_tokens{tp_rank="0"} 5000\nsglang:num_retracted_requests_total{tp_rank="0"} 4\n'
    rank = read(whole(metrics=page, server_info=INFO | {"enable_hierarchical_cache": True})).ranks[0]
    assert (rank.host_tokens, rank.preemptions) == (5_000, 4)


@pytest.mark.parametrize(
    ("enabled", "low_first", "order"),
    [(False, True, None), (True, False, PriorityOrder.HIGHER_FIRST), (True, True, PriorityOrder.LOWER_FIRST)],
)
def test_priorities_are_as_it_was_started(enabled: bool, low_first: bool, order: PriorityOrder | None) -> None:
    flags = {"enable_priority_scheduling": enabled, "schedule_low_priority_values_first": low_first}
    assert read(whole(server_info=INFO | flags)).priority == order


def test_what_changes_seldom_is_asked_for_seldom() -> None:
    http, engine = whole(), Sglang()
    looks = 2 * METRICS_EVERY_LOOKS
    for _ in range(looks):
        assert read(http, engine).ranks[0].queried_tokens == 877
    asked = {path: http.asked.count(path) for path in set(http.asked)}
    assert asked == {"/v1/loads": looks, "/model_info": looks, "/metrics": 2, "/server_info": 1}


def test_what_is_not_served_is_not_asked_for_again() -> None:
    http, engine = FakeHttp(v1__loads=LOADS), Sglang()
    for _ in range(3 * METRICS_EVERY_LOOKS):
        assert read(http, engine).capacity_tokens == 8_192
    asked = {path: http.asked.count(path) for path in set(http.asked)}
    assert asked.pop("/v1/loads") == 3 * METRICS_EVERY_LOOKS
    assert set(asked.values()) == {1}


def test_weights_of_another_version_are_seen_by_the_older_name_too() -> None:
    http, engine = FakeHttp(v1__loads=LOADS, get_model_info={"weight_version": 7}), Sglang()
    assert read(http, engine).weight_version == "7"
    http["get_model_info"] = {"weight_version": 8}
    assert read(http, engine).weight_version == "8"


def test_a_state_that_takes_too_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(FakeHttp):
        async def get(self, path: str) -> Page:
            if path == "/server_info":
                self.asked.append(path)
                await asyncio.sleep(60)
            return await super().get(path)

    monkeypatch.setattr("thunderagent.adapters.engines.sglang.SERVER_INFO_TIMEOUT_S", 0.001)
    http, engine = Slow(v1__loads=LOADS), Sglang()
    for _ in range(2 * SERVER_INFO_TRIES):
        assert read(http, engine).capacity_tokens == 8_192
    assert http.asked.count("/server_info") == SERVER_INFO_TRIES


def test_ranks_that_have_not_told_anything_yet_have_no_capacity() -> None:
    reading = read(FakeHttp(v1__loads={"loads": [load(0, max_total_num_tokens=0)]}))
    assert reading.capacity_tokens is None
    assert "--enable-metrics" in reading.problems[0]


@pytest.mark.parametrize(
    ("pages", "told"),
    [
        ({}, "neither /v1/loads?include=core nor /metrics nor /server_info is SGLang's"),
        ({"v1__loads": {"loads": "many"}}, "/v1/loads?include=core has no loads"),
        ({"v1__loads": {"loads": [{"dp_rank": "x"}]}}, "/v1/loads?include=core has a dp_rank of 'x'"),
        ({"v1__loads": "<html></html>"}, "/v1/loads?include=core is no JSON object"),
        ({"v1__loads": 307}, "/v1/loads?include=core answers 307"),
        ({"v1__loads": {"loads": [load(0, max_total_num_tokens=-5)]}}, "tells a KV capacity that cannot be"),
        ({"v1__loads": {"loads": [load(0, max_total_num_tokens="many")]}}, "tells a KV capacity that cannot be"),
        ({"metrics": 'sglang:max_total_num_tokens{a="1"} NaN\n'}, "/metrics tells a KV capacity that cannot be"),
        ({"metrics": "up 1\nsglang:max_total_num_tokens{ 5\nup 1\n"}, "/metrics: sglang:max_total_num_tokens{ 5 is broken"),
        ({"metrics": "<html></html>"}, "/metrics is HTML"),
        ({"metrics": "up 1\nvllm:x 1\n"}, "/metrics is vLLM's"),
        ({"server_info": {"vllm_config": {}}}, "/server_info is vLLM's"),
    ],
)
def test_wrong_pages_are_told(pages: dict[str, Any], told: str) -> None:
    with pytest.raises(EngineProblem) as caught:
        read(FakeHttp(**pages))
    assert told in str(caught.value)


def test_what_acts_on_it() -> None:
    assert Sglang().abort("r1") == Call("/abort_request", {"rid": "r1"})
    assert Sglang().drop_cache() == Call("/flush_cache")
