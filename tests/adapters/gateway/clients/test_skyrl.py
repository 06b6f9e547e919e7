"""SkyRL's own client, whose data plane goes through the gateway and whose control plane goes to the engines."""

from __future__ import annotations

import asyncio
import sys
import typing
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.adapters.gateway.clients.running import MODEL, Running

if sys.version_info < (3, 12):
    typing_extensions = pytest.importorskip("typing_extensions")
    # Before Python 3.12 pydantic, which SkyRL's types go through, takes only this TypedDict.
    typing.TypedDict = typing_extensions.TypedDict
module = pytest.importorskip("skyrl.backends.skyrl_train.inference_servers.remote_inference_client")

# SkyRL looks at the event loop of its aiohttp session.
pytestmark = pytest.mark.filterwarnings("ignore:client.loop:DeprecationWarning")


def run(gateway: Running, scenario: Callable[[Any], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        client = module.RemoteInferenceClient(
            proxy_url=gateway.url, server_urls=list(gateway.engines), data_parallel_size=1, model_name=MODEL
        )
        async with client:
            return await scenario(client)

    return asyncio.run(main())


def generate(client: Any, prompt: list[int], *session_ids: str, **more: Any) -> Any:
    return client.generate(
        {
            "prompt_token_ids": [prompt] * len(session_ids),
            "sampling_params": {"max_tokens": 200, "logprobs": 0, "temperature": 1.0},
            "session_ids": list(session_ids),
            **more,
        }
    )


def test_sessions_are_programs(gateway: Running, program: str) -> None:
    sessions = [f"{program}/0", f"{program}/1"]
    output = run(gateway, lambda client: generate(client, [72, 73, 74], *sessions, cache_salt="weights-0"))

    assert output["stop_reasons"] == ["stop"] * 2
    assert [len(ids) for ids in output["response_ids"]] == [4, 4]
    assert [len(logprobs) for logprobs in output["response_logprobs"]] == [4, 4]
    for session in sessions:
        assert gateway.programs[session]["total_tokens"] == 7
        assert gateway.programs[session]["step_count"] == 1


def test_a_session_that_is_finished_is_released(gateway: Running, program: str) -> None:
    async def scenario(client: Any) -> tuple[bool, bool]:
        await generate(client, [72, 73, 74], program)
        was_known = program in gateway.programs
        await client.finish_session(program)
        return was_known, program in gateway.programs

    assert run(gateway, scenario) == (True, False)


def test_turns_of_a_session_grow_on_one_engine(gateway: Running, program: str) -> None:
    async def scenario(client: Any) -> int:
        prompt = list(range(60, 120))
        for _ in range(3):
            output = await generate(client, prompt, program)
            prompt = [*prompt, *output["response_ids"][0]]
        return len(prompt)

    tokens = run(gateway, scenario)
    known = gateway.programs[program]
    assert (known["step_count"], known["backend"], known["total_tokens"]) == (3, gateway.engines[0], tokens)


def test_skyrls_own_generate_is_scheduled_too(gateway: Running, program: str) -> None:
    body = {"token_ids": [72, 73, 74], "sampling_params": {"max_tokens": 9}, "model": MODEL, "program_id": program}
    answer = gateway.post("/skyrl/v1/generate", body)

    assert len(answer["choices"][0]["token_ids"]) == 4
    assert gateway.total_tokens(program) == 7


def test_the_engines_are_known_by_their_world(gateway: Running) -> None:
    assert run(gateway, lambda client: client.get_world_size()) == (1, 1)


def test_a_weight_sync_holds_turns_back_and_lets_them_go(gateway: Running, program: str) -> None:
    async def scenario(client: Any) -> Any:
        await client.pause_generation()
        turn = asyncio.create_task(generate(client, [72, 73, 74], program))
        await client.reset_prefix_cache(reset_running_requests=True)
        assert not turn.done()
        await client.resume_generation()
        return await turn

    assert run(gateway, scenario)["stop_reasons"] == ["stop"]
