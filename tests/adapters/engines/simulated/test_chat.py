from __future__ import annotations

import asyncio
from typing import Any

import orjson

from .support import Scripted, Server, serve

MESSAGES = [{"role": "system", "content": "be brief"}, {"role": "user", "content": [{"type": "text", "text": "hi"}]}]


async def stream(server: Server, **fields: Any) -> list[Any]:
    """The chunks of a streamed chat, [DONE] checked and removed."""
    body = {"messages": MESSAGES, "stream": True, **fields}
    async with server.http.post(server.url + "/v1/chat/completions", json=body) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        events = (await response.text()).removesuffix("\n\n").split("\n\n")
    assert events.pop() == "data: [DONE]"
    return [orjson.loads(event.removeprefix("data: ")) for event in events]


def text_of(chunks: list[Any]) -> str:
    return "".join(choice["delta"].get("content", "") for chunk in chunks for choice in chunk["choices"])


def test_the_prompt_is_chatml_and_the_answer_a_message() -> None:
    policy = Scripted("hello")

    async def scenario(server: Server) -> Any:
        return await server.post("/v1/chat/completions", {"messages": MESSAGES}, headers={"X-Session-ID": "p"})

    status, answer = serve(scenario, policy)
    prompt = "<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    assert status == 200
    assert policy.asked == [(prompt, "p")]
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "hello"}
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["completion_tokens"] == 6
    assert set(answer["timing"]) == {"queued_s", "prefill_s", "decode_s"}


def test_the_next_turn_finds_the_first_one_cached() -> None:
    async def scenario(server: Server) -> int:
        await server.post("/v1/chat/completions", {"messages": MESSAGES})
        more = [*MESSAGES, {"role": "assistant", "content": "hello"}, {"role": "user", "content": "more"}]
        _, answer = await server.post("/v1/chat/completions", {"messages": more})
        return int(answer["usage"]["prompt_tokens_details"]["cached_tokens"])

    # The first turn had 39 prompt and 6 answer tokens of which the KV of 44 was computed.
    assert serve(scenario) == 32


def test_a_stream_brings_the_role_the_text_and_the_finish_reason() -> None:
    async def scenario(server: Server) -> list[Any]:
        return await stream(server)

    chunks = serve(scenario)
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert text_of(chunks) == "hello"
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[-2:]] == [None, "stop"]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in chunks}) == 1


def test_a_stream_ends_with_the_usage_when_asked() -> None:
    async def scenario(server: Server) -> list[Any]:
        return await stream(server, stream_options={"include_usage": True}, max_tokens=3)

    chunks = serve(scenario)
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] == 3
    assert chunks[-2]["choices"][0]["finish_reason"] == "length"


def test_characters_of_several_tokens_arrive_whole() -> None:
    async def scenario(server: Server) -> list[Any]:
        return await stream(server)

    assert text_of(serve(scenario, Scripted("naïve 🙂 日本"))) == "naïve 🙂 日本"


def test_a_disconnect_in_the_middle_of_a_stream_frees_the_engine() -> None:
    async def scenario(server: Server) -> None:
        task = asyncio.create_task(stream(server))
        await server.until(lambda: server.engine.counters.generation_tokens > 3)
        task.cancel()
        await server.until(lambda: server.engine.running == 0)

    serve(scenario, Scripted("x" * 3000), time_scale=1.0)


def test_streams_run_side_by_side() -> None:
    async def scenario(server: Server) -> list[str]:
        return [text_of(chunks) for chunks in await asyncio.gather(*(stream(server) for _ in range(8)))]

    assert serve(scenario) == ["hello"] * 8


def test_parts_that_are_not_text_are_refused() -> None:
    async def scenario(server: Server) -> Any:
        message = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}
        return await server.post("/v1/chat/completions", {"messages": [message]})

    status, answer = serve(scenario)
    assert (status, answer["error"]["param"]) == (400, "messages")
    assert "image_url" in answer["error"]["message"]


def test_a_conversation_that_is_too_long_is_refused() -> None:
    async def scenario(server: Server) -> Any:
        return await server.post("/v1/chat/completions", {"messages": [{"role": "user", "content": "x" * 5000}]})

    status, answer = serve(scenario)
    assert (status, answer["error"]["code"]) == (400, "context_length_exceeded")
