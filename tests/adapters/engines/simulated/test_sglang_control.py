"""The embedded engine as SGLang: its pages beside recorded ones, and what slime does to engines."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from thunderagent.adapters.engines.detect import detect
from thunderagent.adapters.engines.http import EngineHttp
from thunderagent.adapters.engines.prometheus import samples
from thunderagent.adapters.engines.reading import EngineKind
from thunderagent.adapters.engines.sglang import OF_LOADS, OF_METRICS, Sglang

from .support import SPEC, Scripted, Server, serve

PAGES = Path(__file__).parents[1] / "pages"
LONG = Scripted("x" * 3000)


async def start(server: Server, rid: str) -> asyncio.Task[tuple[int, Any]]:
    """A request that has some tokens already."""
    body = {"text": "one", "rid": rid, "sampling_params": {"max_new_tokens": None}}
    task = asyncio.create_task(server.post("/generate", body))
    await server.until(lambda: rid in server.engine and server.engine.completion_tokens(rid) > 2)
    return task


async def page(server: Server, path: str) -> dict[str, Any]:
    status, text = await server.get(path)
    assert status == 200, text
    return dict(orjson.loads(text))


async def version(server: Server) -> Any:
    """What answers say."""
    return (await server.post("/generate", {"text": "one"}))[1]["meta_info"]["weight_version"]


def recorded(name: str) -> dict[str, Any]:
    return dict(orjson.loads((PAGES / name).read_bytes()))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/loads?include=core", "sglang_0_5_23_loads.json"),
        ("/server_info", "sglang_0_5_23_server_info.json"),
        ("/get_server_info", "sglang_0_5_23_server_info.json"),
        ("/model_info", "sglang_0_5_23_model_info.json"),
        ("/get_model_info", "sglang_0_5_23_model_info.json"),
    ],
)
def test_what_a_page_tells_has_the_names_and_kinds_of_the_recorded_one(path: str, name: str) -> None:
    async def scenario(server: Server) -> dict[str, Any]:
        return await page(server, path)

    ours, theirs = serve(scenario, dialect="sglang"), recorded(name)
    shared = ours.keys() & theirs.keys()
    assert {key: type(ours[key]) for key in shared} == {key: type(theirs[key]) for key in shared}
    assert "weight_version" in shared or OF_LOADS.keys() <= ours["loads"][0].keys() <= theirs["loads"][0].keys()


def test_the_metrics_have_the_recorded_names_and_labels() -> None:
    async def scenario(server: Server) -> str:
        return (await server.get("/metrics"))[1]

    ours = samples(serve(scenario, dialect="sglang").encode(), OF_METRICS)
    theirs = samples((PAGES / "sglang_0_5_23.txt").read_bytes(), OF_METRICS)
    for name, recorded_samples in theirs.items():
        if recorded_samples:
            assert ours[name][0].labels.keys() <= recorded_samples[0].labels.keys(), name


def test_the_engine_watch_takes_it_for_sglang_and_reads_all_it_wants() -> None:
    async def scenario(server: Server) -> tuple[Any, Any, Any]:
        http = EngineHttp(server.url)
        try:
            running = await start(server, "a")
            kind, engine = await detect(http), Sglang()
            reading = await engine.read(http)
            await server.post("/abort_request", {"rid": "a"})
            await running
            return kind, reading, await Sglang().read(http)
        finally:
            http.close()

    kind, busy, idle = serve(scenario, LONG, time_scale=1.0, dialect="sglang")
    assert kind is EngineKind.SGLANG
    (rank,) = busy.ranks
    assert (rank.capacity_tokens, rank.running, rank.waiting) == (SPEC.usable_tokens, 1, 0)
    assert rank.usage is not None and rank.usage > 0
    assert (busy.weight_version, busy.problems) == ("default", ())
    assert (idle.ranks[0].running, idle.ranks[0].queried_tokens) == (0, 3)


@pytest.mark.parametrize("path", ["/health", "/health_generate"])
def test_it_is_well(path: str) -> None:
    async def scenario(server: Server) -> int:
        return (await server.get(path))[0]

    assert serve(scenario, dialect="sglang") == 200


def test_requests_are_aborted_by_the_start_of_their_id_or_all_at_once() -> None:
    async def scenario(server: Server) -> list[str]:
        first, other = await start(server, "a-1"), await start(server, "b-1")
        await server.post("/abort_request", {"rid": "a"})
        (_, aborted), left = await first, other.done()
        assert not left
        await server.post("/abort_request", {})
        assert not other.done()
        await server.post("/abort_request", {"abort_all": True})
        load = (await page(server, "/v1/loads"))["loads"][0]
        assert load["num_running_reqs"] + load["num_waiting_reqs"] == 0
        return [answer["meta_info"]["finish_reason"]["type"] for answer in (aborted, (await other)[1])]

    assert serve(scenario, LONG, time_scale=1.0, dialect="sglang") == ["abort", "abort"]


def test_a_pause_that_aborts_lets_the_cache_be_flushed_and_new_requests_wait() -> None:
    async def scenario(server: Server) -> None:
        running = await start(server, "a")
        assert (await server.get("/flush_cache"))[0] == 400
        await server.post("/pause_generation", {})
        assert (await running)[1]["meta_info"]["finish_reason"]["type"] == "abort"
        waiting = asyncio.create_task(server.post("/generate", {"text": "two", "sampling_params": {"max_new_tokens": 2}}))
        await server.get("/health")
        assert (await server.get("/flush_cache"))[0] == 200
        assert not waiting.done()
        await server.post("/continue_generation", {})
        assert (await waiting)[0] == 200

    serve(scenario, LONG, time_scale=1.0, dialect="sglang")


def test_frozen_requests_keep_their_kv_and_retracted_ones_do_not() -> None:
    async def scenario(server: Server) -> None:
        running = await start(server, "a")
        await server.post("/pause_generation", {"mode": "in_place"})
        assert (server.engine.running, (await server.get("/flush_cache"))[0]) == (1, 400)
        await server.post("/continue_generation", {})
        await server.post("/pause_generation", {"mode": "retract"})
        assert (server.engine.running, server.engine.waiting) == (0, 1)
        assert (await server.get("/flush_cache"))[0] == 200
        await server.post("/continue_generation", {})
        assert (await running)[1]["meta_info"]["completion_tokens"] == 3001

    serve(scenario, LONG, time_scale=1000.0, dialect="sglang")


def test_an_unknown_way_to_pause_is_refused() -> None:
    async def scenario(server: Server) -> tuple[int, Any]:
        return await server.post("/pause_generation", {"mode": "keep"})

    status, answer = serve(scenario, dialect="sglang")
    assert (status, answer["error"]["param"]) == (400, "mode")


def test_answers_tell_the_weights_they_come_from() -> None:
    async def scenario(server: Server) -> None:
        assert await version(server) == "default"
        await server.post("/update_weight_version", {"new_version": "1"})
        assert await version(server) == "1"
        await server.post("/update_weights_from_disk", {"model_path": "/m", "weight_version": "2"})
        assert await version(server) == "2"
        assert (await page(server, "/get_weight_version"))["weight_version"] == "2"

    serve(scenario, dialect="sglang")


def test_an_update_that_is_to_flush_fails_while_something_runs() -> None:
    async def scenario(server: Server) -> list[int]:
        running = await start(server, "a")
        with_flush, _ = await server.post("/update_weights_from_tensor", {})
        without, _ = await server.post("/update_weights_from_tensor", {"flush_cache": False})
        after_all, _ = await server.post("/update_weights_from_tensor", {"abort_all_requests": True})
        await running
        return [with_flush, without, after_all]

    assert serve(scenario, LONG, time_scale=1.0, dialect="sglang") == [400, 200, 200]


def test_what_changes_nothing_here_succeeds() -> None:
    async def scenario(server: Server) -> list[int]:
        return [(await server.post(path, {}))[0] for path in ("/release_memory_occupation", "/resume_memory_occupation")]

    assert serve(scenario, dialect="sglang") == [200, 200]


def test_each_dialect_has_its_own_controls_and_all_ways_to_generate() -> None:
    async def scenario(server: Server) -> list[int]:
        paths = ("/pause", "/pause_generation", "/generate", "/inference/v1/generate")
        return [(await server.post(path, {}))[0] for path in paths]

    assert serve(scenario) == [200, 404, 400, 400]
    assert serve(scenario, dialect="sglang") == [404, 200, 400, 400]
