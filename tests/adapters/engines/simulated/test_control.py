from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from .support import SPEC, Scripted, Server, serve

LONG = Scripted("x" * 1000)


async def start(server: Server, request_id: str) -> asyncio.Task[dict[str, Any]]:
    """A request that has some tokens already."""
    task = asyncio.create_task(server.generate([1, 2, 3], request_id=request_id))
    await server.until(lambda: request_id in server.engine and server.engine.completion_tokens(request_id) > 2)
    return task


async def is_paused(server: Server) -> bool:
    return bool(orjson.loads((await server.get("/is_paused"))[1])["is_paused"])


def test_keep_mode_freezes_what_runs_and_queues_what_comes() -> None:
    async def scenario(server: Server) -> None:
        frozen = await start(server, "frozen")
        assert await server.post("/pause?mode=keep&clear_cache=false") == (200, {"status": "paused"})
        assert await is_paused(server)
        await asyncio.sleep(0.03)  # The step that was under way ends.
        tokens = server.engine.completion_tokens("frozen")
        queued = asyncio.create_task(server.generate([4, 5, 6], request_id="queued"))
        await server.until(lambda: "queued" in server.engine)
        await asyncio.sleep(0.05)
        assert server.engine.completion_tokens("frozen") == tokens
        assert (server.engine.running, server.engine.waiting) == (1, 1)

        await server.post("/resume")
        assert not await is_paused(server)
        for answer in (await frozen, await queued):
            assert len(answer["choices"][0]["token_ids"]) == 1001
            assert answer["choices"][0]["finish_reason"] == "stop"

    serve(scenario, LONG, time_scale=20.0)


def test_clearing_the_cache_while_paused_computes_the_frozen_request_again() -> None:
    async def scenario(server: Server) -> None:
        frozen = await start(server, "frozen")
        await server.post("/pause?mode=keep&clear_cache=true")
        assert (server.engine.running, server.engine.used_blocks) == (0, 0)
        await server.post("/resume")
        assert len((await frozen)["choices"][0]["token_ids"]) == 1001
        assert server.engine.counters.preemptions == 1

    serve(scenario, LONG, time_scale=50.0)


def test_abort_mode_answers_with_partial_tokens() -> None:
    async def scenario(server: Server) -> None:
        victim = await start(server, "victim")
        await server.post("/pause?mode=abort")
        choice = (await victim)["choices"][0]
        assert choice["finish_reason"] == "abort"
        assert 2 < len(choice["token_ids"]) < 1000
        assert await is_paused(server)

    serve(scenario, LONG, time_scale=1.0)


def test_wait_mode_lets_what_runs_finish_and_holds_back_what_comes() -> None:
    async def scenario(server: Server) -> None:
        running = await start(server, "running")
        pausing = asyncio.create_task(server.post("/pause?mode=wait"))
        await asyncio.sleep(0.02)
        held = asyncio.create_task(server.generate([4, 5, 6], request_id="held"))
        assert (await running)["choices"][0]["finish_reason"] == "stop"
        await pausing
        assert await is_paused(server)
        assert "held" not in server.engine
        assert orjson.loads((await server.get("/load"))[1])["server_load"] == 1

        await server.post("/resume")
        assert (await held)["choices"][0]["finish_reason"] == "stop"

    serve(scenario, LONG, time_scale=20.0)


def test_a_held_back_request_can_be_given_up() -> None:
    async def scenario(server: Server) -> None:
        running = await start(server, "running")
        pausing = asyncio.create_task(server.post("/pause?mode=wait"))
        await asyncio.sleep(0.02)
        held = asyncio.create_task(server.generate([4, 5, 6], request_id="held"))
        await asyncio.sleep(0.02)
        held.cancel()
        await running
        await pausing
        assert orjson.loads((await server.get("/load"))[1])["server_load"] == 0

    serve(scenario, LONG, time_scale=20.0)


def test_a_resume_ends_a_pause_that_still_waits() -> None:
    async def scenario(server: Server) -> None:
        running = await start(server, "running")
        pausing = asyncio.create_task(server.post("/pause?mode=wait&clear_cache=false"))
        await asyncio.sleep(0.02)
        await server.post("/resume")
        await pausing
        assert not await is_paused(server)
        assert not running.done()
        await running

    serve(scenario, LONG, time_scale=20.0)


@pytest.mark.parametrize(("query", "param"), [("mode=sleep", "mode"), ("mode=keep&clear_cache=maybe", "clear_cache")])
def test_an_unknown_pause_is_refused_and_changes_nothing(query: str, param: str) -> None:
    async def scenario(server: Server) -> None:
        status, answer = await server.post(f"/pause?{query}")
        assert (status, answer["error"]["param"]) == (400, param)
        assert not await is_paused(server)

    serve(scenario)


@pytest.mark.parametrize("body", [None, {"reset_running_requests": False}])
def test_a_reset_makes_the_prefix_cache_cold(body: Any) -> None:
    async def scenario(server: Server) -> int:
        await server.generate(list(range(64)))
        assert (await server.post("/reset_prefix_cache", body))[0] == 200
        answer = await server.generate(list(range(64)))
        return int(answer["usage"]["prompt_tokens_details"]["cached_tokens"])

    assert serve(scenario) == 0


def test_the_server_says_who_it_is() -> None:
    async def scenario(server: Server) -> None:
        assert await server.get("/health") == (200, "")
        models = orjson.loads((await server.get("/v1/models"))[1])
        assert models["data"][0]["id"] == "ours"
        assert models["data"][0]["max_model_len"] == SPEC.usable_tokens
        info = orjson.loads((await server.get("/get_server_info"))[1])
        assert (info["world_size"], info["kv_capacity_tokens"]) == (1, SPEC.usable_tokens)

    serve(scenario, model_name="ours")


def test_text_goes_to_tokens_and_back() -> None:
    async def scenario(server: Server) -> None:
        _, tokenized = await server.post("/tokenize", {"prompt": "hé<|im_end|>"})
        assert tokenized["count"] == 4
        assert await server.post("/detokenize", {"tokens": tokenized["tokens"]}) == (200, {"prompt": "hé<|im_end|>"})

    serve(scenario)


def test_finishing_a_session_needs_its_id() -> None:
    async def scenario(server: Server) -> None:
        assert (await server.post("/finish_session?session_id=p"))[0] == 200
        status, answer = await server.post("/finish_session")
        assert (status, answer["error"]["param"]) == (400, "session_id")

    serve(scenario)


def test_an_unknown_path_is_an_openai_shaped_404() -> None:
    async def scenario(server: Server) -> Any:
        return await server.post("/v1/nothing")

    status, answer = serve(scenario)
    assert status == 404
    assert "/v1/nothing" in answer["error"]["message"]
