"""vLLM is read from pages of a real vLLM 0.32, with one rank and with two."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.adapters.engines.fake_http import FakeHttp, recorded
from thunderagent.adapters.engines.engine import Call, Page
from thunderagent.adapters.engines.reading import EngineKind, PriorityOrder, Rank, Reading
from thunderagent.adapters.engines.vllm import SERVER_INFO_TRIES, Vllm
from thunderagent.errors import EngineProblem

PAGE = 'vllm:cache_config_info{{block_size="16",engine="{engine}",num_gpu_blocks="{blocks}"}} 1.0\n'


def read(http: FakeHttp, engine: Vllm | None = None) -> Reading:
    return asyncio.run((engine or Vllm()).read(http))


def server_info(**cache: Any) -> dict[str, Any]:
    """Of the real one, with some fields of its cache changed."""
    info: dict[str, Any] = json.loads(recorded("vllm_0_32_server_info.json"))
    info["vllm_config"]["cache_config"] |= cache
    return info


def test_the_page_of_a_real_vllm_at_work_tells_all() -> None:
    reading = read(FakeHttp(metrics=recorded("vllm_0_32.txt")))
    assert reading == Reading(
        EngineKind.VLLM,
        (Rank(0, 256 * 32, 0, 0.98828125, 11, 13, reading.ranks[0].preemptions, 8454, 384),),
        started_at_s=1.79567881148e09,
    )
    assert reading.capacity_tokens == 8_192


def test_a_page_of_the_wanted_series_alone_is_enough() -> None:
    http, engine = FakeHttp(metrics=404, metrics__=recorded("vllm_0_32_filtered.txt")), Vllm()
    for _ in range(3):
        assert read(http, engine).ranks == (Rank(0, 8_192, 0, 0.0, 0, 0, 0, 0, 0),)
    assert "/metrics" not in http.asked


@pytest.mark.parametrize("filtered", [404, 307, 500, "", "up 1\n", "<html>vllm:cache_config_info</html>"])
def test_an_engine_that_does_not_filter_is_asked_for_the_whole_page_from_then_on(filtered: str | int) -> None:
    http, engine = FakeHttp(metrics=recorded("vllm_0_32.txt"), metrics__=filtered), Vllm()
    for _ in range(3):
        assert read(http, engine).capacity_tokens == 8_192
    assert [path for path in http.asked if "metrics" in path] == ["/metrics/", *["/metrics"] * 3]


def test_each_rank_of_a_real_vllm_has_its_own_share_although_each_line_tells_the_blocks_of_all() -> None:
    page = recorded("vllm_0_32_two_ranks.txt")
    assert page.count(b'num_gpu_blocks="514"') == 2, "two ranks of 257"
    reading = read(FakeHttp(metrics=page))
    assert [(rank.index, rank.capacity_tokens) for rank in reading.ranks] == [(0, 8_192), (1, 8_192)]
    assert [(rank.queried_tokens, rank.hit_tokens) for rank in reading.ranks] == [(174, 64), (116, 32)]
    assert reading.routes_ranks
    assert reading.started_at_s is None, "several frontends tell no process"


def test_older_versions_tell_blocks_alone_which_all_ranks_share() -> None:
    one = read(FakeHttp(metrics=PAGE.format(engine=0, blocks=1_001)))
    assert [(rank.capacity_tokens, one.routes_ranks) for rank in one.ranks] == [(16_000, False)]
    two = read(FakeHttp(metrics=PAGE.format(engine=0, blocks=2_002) + PAGE.format(engine=1, blocks=2_002)))
    assert [rank.capacity_tokens for rank in two.ranks] == [16_000, 16_000]


def test_a_rank_that_is_a_server_of_its_own_keeps_its_number() -> None:
    reading = read(FakeHttp(metrics=PAGE.format(engine=3, blocks=1_001)))
    assert [(rank.index, rank.capacity_tokens) for rank in reading.ranks] == [(3, 16_000)]


def test_a_page_without_series_of_vllm_joins_no_capacity_and_says_what_to_do() -> None:
    reading = read(FakeHttp(metrics="process_cpu_seconds_total 3\n"))
    assert (reading.ranks, reading.capacity_tokens) == ((Rank(0, None),), None)
    assert reading.problems == (
        "/metrics tells no KV capacity: serve without --disable-log-stats, or set thunder.capacity_tokens",
    )


def test_a_capacity_that_is_not_known_yet_is_not_told() -> None:
    assert read(FakeHttp(metrics=PAGE.format(engine=0, blocks="None"))).capacity_tokens is None


def test_the_configuration_tells_the_capacity_where_the_page_does_not() -> None:
    http = FakeHttp(metrics="process_cpu_seconds_total 3\n", server_info=server_info())
    assert read(http).capacity_tokens == 8_192
    http["server_info"] = json.loads(recorded("vllm_0_32_two_ranks_server_info.json"))
    assert [rank.capacity_tokens for rank in read(http).ranks] == [8_192, 8_192]


@pytest.mark.parametrize(
    ("parallel", "ranks"),
    [
        ({"data_parallel_size": 4, "data_parallel_external_lb": True, "data_parallel_rank": 2}, [2]),
        (
            {"data_parallel_size": 4, "data_parallel_hybrid_lb": True, "data_parallel_rank": 2, "data_parallel_size_local": 2},
            [2, 3],
        ),
    ],
)
def test_the_configuration_is_of_the_ranks_behind_this_server(parallel: dict[str, Any], ranks: list[int]) -> None:
    info = server_info()
    info["vllm_config"]["parallel_config"] |= parallel
    reading = read(FakeHttp(metrics="up 1\n", server_info=info))
    assert [rank.index for rank in reading.ranks] == ranks
    assert reading.ranks[0].capacity_tokens == 8_192


def test_priorities_are_asked_for_once_after_the_first_look() -> None:
    info = server_info()
    info["vllm_config"]["scheduler_config"]["policy"] = "priority"
    http, engine = FakeHttp(metrics=recorded("vllm_0_32.txt"), server_info=info), Vllm()
    assert read(http, engine).priority is None
    assert [read(http, engine).priority for _ in range(3)] == [PriorityOrder.LOWER_FIRST] * 3
    assert http.asked.count("/server_info") == 1
    http["metrics"] = recorded("vllm_0_32.txt").replace(b"1.79567881148e+09", b"1.8e+09")
    http["server_info"] = server_info()
    assert read(http, engine).priority is None, "another process"
    assert http.asked.count("/server_info") == 2


def test_an_engine_without_development_endpoints_is_asked_for_them_once() -> None:
    http, engine = FakeHttp(metrics=recorded("vllm_0_32.txt")), Vllm()
    for _ in range(4):
        read(http, engine)
    assert http.asked.count("/server_info") == 1


@pytest.mark.parametrize("answer", [500, "garbage", Page(200, "application/json", b"[1]")])
def test_a_wrong_configuration_changes_nothing_and_is_not_asked_for_for_ever(answer: Any) -> None:
    http, engine = FakeHttp(metrics=recorded("vllm_0_32.txt"), server_info=answer), Vllm()
    for _ in range(2 * SERVER_INFO_TRIES):
        assert read(http, engine).capacity_tokens == 8_192
    assert http.asked.count("/server_info") == SERVER_INFO_TRIES


def test_a_configuration_that_takes_too_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(FakeHttp):
        async def get(self, path: str) -> Page:
            if path.startswith("/server_info"):
                await asyncio.sleep(60)
            return await super().get(path)

    monkeypatch.setattr("thunderagent.adapters.engines.vllm.SERVER_INFO_TIMEOUT_S", 0.01)
    assert read(Slow(metrics="up 1\n")).capacity_tokens is None


def test_host_memory_is_told_in_tokens_where_both_tiers_are_told_in_bytes() -> None:
    tiers = {"kv_cache_memory_bytes": 2**30, "kv_offloading_size": 3.0, "num_gpu_blocks_override": None}
    http = FakeHttp(metrics="up 1\n", server_info=server_info(**tiers))
    assert read(http).ranks[0].host_tokens == 3 * 8_192
    http["server_info"] = server_info(**tiers | {"kv_cache_memory_bytes": None})
    assert read(http).ranks[0].host_tokens == 0


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (404, "/metrics answers 404"),
        (307, "/metrics answers 307"),
        ("<html></html>", "/metrics is HTML"),
        ("", "/metrics is empty"),
        ("# HELP up Up.\nvllm:cache_config_info{bl", "/metrics breaks off"),
        ('# HELP up Up.\nvllm:cache_config_info{block_size="16",num_gpu_b\n# \n', "vllm:cache_config_info"),
        (PAGE.format(engine=0, blocks=10**15), "/metrics tells a KV capacity that cannot be"),
        (PAGE.format(engine=0, blocks=0), "/metrics tells a KV capacity that cannot be"),
        ("# HELP sglang:x X.\nsglang:x 1\n", "/metrics is SGLang's"),
    ],
)
def test_wrong_pages_are_told(answer: str | int, told: str) -> None:
    with pytest.raises(EngineProblem) as caught:
        read(FakeHttp(metrics=answer))
    assert told in str(caught.value)
    assert not caught.value.dead


def test_an_engine_whose_page_is_a_server_error_is_dead() -> None:
    with pytest.raises(EngineProblem, match="/metrics answers 503") as caught:
        read(FakeHttp(metrics=503))
    assert caught.value.dead


def test_numbers_that_cannot_be_are_not_told() -> None:
    page = PAGE.format(engine=0, blocks=11) + "".join(
        f'{name}{{engine="0"}} {value}\n'
        for name, value in (
            ("vllm:kv_cache_usage_perc", "3.2e-05"),
            ("vllm:num_requests_running", "NaN"),
            ("vllm:num_requests_waiting", "-1"),
            ("vllm:num_preemptions_total", "+Inf"),
        )
    )
    assert read(FakeHttp(metrics=page)).ranks == (Rank(0, 160, usage=3.2e-05),)


def test_what_acts_on_it() -> None:
    assert Vllm().abort("r1") is None
    assert Vllm().drop_cache() == Call("/reset_prefix_cache")
