"""SkyRL's own HTTP client against the simulated engine."""

from __future__ import annotations

import asyncio
import sys
import typing
from typing import Any

import pytest

from .support import EOS, TOKENIZER, Scripted, Server, serve

if sys.version_info < (3, 12):
    typing_extensions = pytest.importorskip("typing_extensions")
    # Before Python 3.12 pydantic, which SkyRL's types go through, takes only this TypedDict.
    typing.TypedDict = typing_extensions.TypedDict
module = pytest.importorskip("skyrl.backends.skyrl_train.inference_servers.remote_inference_client")

# SkyRL looks at the event loop of its aiohttp session.
pytestmark = pytest.mark.filterwarnings("ignore:client.loop:DeprecationWarning")


def client_of(server: Server) -> Any:
    return module.RemoteInferenceClient(
        proxy_url=server.url, server_urls=[server.url], data_parallel_size=1, model_name="simulated"
    )


def test_skyrl_generates_through_the_simulated_engine() -> None:
    policy = Scripted("hello")

    async def scenario(server: Server) -> Any:
        async with client_of(server) as client:
            assert await client.get_world_size() == (1, 1)
            return await client.generate(
                {
                    "prompt_token_ids": [TOKENIZER.encode("one"), TOKENIZER.encode("two")],
                    "sampling_params": {"max_tokens": 50, "logprobs": 0, "temperature": 1.0},
                    "session_ids": ["a", "b"],
                    "cache_salt": "weights-0",
                }
            )

    output = serve(scenario, policy)
    assert output["responses"] == ["hello<|im_end|>"] * 2
    assert output["response_ids"] == [[*TOKENIZER.encode("hello"), EOS]] * 2
    assert output["stop_reasons"] == ["stop"] * 2
    assert [len(logprobs) for logprobs in output["response_logprobs"]] == [6, 6]
    assert sorted(policy.asked) == [("one", "a"), ("two", "b")]


def test_skyrls_weight_sync_freezes_and_resumes_a_generation() -> None:
    async def scenario(server: Server) -> Any:
        async with client_of(server) as client:
            generating = asyncio.create_task(
                client.generate({"prompt_token_ids": [[1, 2, 3]], "sampling_params": {}, "session_ids": ["a"]})
            )
            await server.until(lambda: server.engine.counters.generation_tokens > 2)
            await client.pause_generation()
            await client.start_weight_update()
            await client.update_named_weights({})
            await client.finish_weight_update()
            await client.reset_prefix_cache(reset_running_requests=True)
            assert not generating.done()
            await client.resume_generation()
            output = await generating
            await client.finish_session("a")
            return output

    output = serve(scenario, Scripted("x" * 500), time_scale=20.0)
    assert len(output["response_ids"][0]) == 501
    assert output["stop_reasons"] == ["stop"]
