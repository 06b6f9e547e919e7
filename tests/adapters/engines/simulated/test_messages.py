from __future__ import annotations

from typing import Any

import orjson

from .support import Scripted, Server, serve

PATH = "/v1/messages"
BODY: dict[str, Any] = {
    "model": "simulated",
    "max_tokens": 50,
    "system": [{"type": "text", "text": "be brief"}],
    "messages": [{"role": "user", "content": "hi"}],
}


def test_the_system_prompt_goes_before_the_messages() -> None:
    policy = Scripted("hello")

    async def scenario(server: Server) -> Any:
        return await server.post(PATH, BODY)

    status, answer = serve(scenario, policy)
    prompt = "<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    assert policy.asked == [(prompt, None)]
    assert (status, answer["type"], answer["role"], answer["stop_reason"]) == (200, "message", "assistant", "end_turn")
    assert answer["content"] == [{"type": "text", "text": "hello"}]
    assert answer["usage"] == {"input_tokens": 39, "cache_read_input_tokens": 0, "output_tokens": 6}


def test_what_was_cached_is_counted_apart_from_the_input() -> None:
    async def scenario(server: Server) -> Any:
        await server.post(PATH, BODY)
        return await server.post(PATH, {**BODY, "max_tokens": 2})

    _, answer = serve(scenario)
    assert answer["usage"] == {"input_tokens": 7, "cache_read_input_tokens": 32, "output_tokens": 2}
    assert answer["stop_reason"] == "max_tokens"


def test_a_stream_has_named_events_and_ends_with_the_usage() -> None:
    async def scenario(server: Server) -> list[str]:
        await server.post(PATH, BODY)
        return await server.events(PATH, {**BODY, "stream": True})

    events = [event.split("\n") for event in serve(scenario)]
    datas = [orjson.loads(data.removeprefix("data: ")) for _, data in events]
    kinds = [data["type"] for data in datas]
    assert [name.removeprefix("event: ") for name, _ in events] == kinds
    assert kinds[:2] + kinds[-3:] == [
        *("message_start", "content_block_start", "content_block_stop", "message_delta", "message_stop"),
    ]
    assert datas[0]["message"]["usage"] == {"input_tokens": 39, "output_tokens": 0}
    assert "".join(data["delta"]["text"] for data in datas if data["type"] == "content_block_delta") == "hello"
    assert datas[-2]["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert datas[-2]["usage"] == {"input_tokens": 7, "cache_read_input_tokens": 32, "output_tokens": 6}


def test_errors_have_anthropics_shape() -> None:
    async def scenario(server: Server) -> Any:
        return [
            await server.post(PATH, {**BODY, "model": "other"}),
            await server.post(PATH, {"messages": BODY["messages"]}),
        ]

    (missing, no_model), (bad, no_max_tokens) = serve(scenario)
    assert (missing, bad) == (404, 400)
    assert (no_model["type"], no_model["error"]["type"]) == ("error", "invalid_request_error")
    assert "max_tokens" in no_max_tokens["error"]["message"]
