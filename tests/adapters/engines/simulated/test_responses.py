from __future__ import annotations

from typing import Any

import orjson
import pytest

from .support import Scripted, Server, serve

PATH = "/v1/responses"


@pytest.mark.parametrize(
    "given",
    [
        "hi",
        [{"role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
        [{"type": "message", "role": "user", "content": "hi"}],
    ],
    ids=["text", "parts", "item"],
)
def test_input_is_a_text_or_items(given: Any) -> None:
    policy = Scripted("hello")

    async def scenario(server: Server) -> Any:
        return await server.post(PATH, {"input": given, "instructions": "be brief"})

    status, answer = serve(scenario, policy)
    prompt = "<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    assert policy.asked == [(prompt, None)]
    assert (status, answer["object"], answer["status"]) == (200, "response", "completed")
    assert answer["output"][0]["content"][0]["text"] == "hello"
    usage = answer["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (39, 6, 45)
    assert usage["input_tokens_details"]["cached_tokens"] == 0


def test_an_answer_that_is_cut_is_incomplete() -> None:
    async def scenario(server: Server) -> Any:
        return await server.post(PATH, {"input": "hi", "max_output_tokens": 3})

    _, answer = serve(scenario)
    assert (answer["status"], answer["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert answer["output"][0]["content"][0]["text"] == "hel"


def test_a_stream_has_numbered_events_from_created_to_completed() -> None:
    async def scenario(server: Server) -> list[str]:
        return await server.events(PATH, {"input": "hi", "stream": True})

    events = [event.split("\n") for event in serve(scenario)]
    datas = [orjson.loads(data.removeprefix("data: ")) for _, data in events]
    kinds = [data["type"] for data in datas]
    assert [name.removeprefix("event: ") for name, _ in events] == kinds
    assert [data["sequence_number"] for data in datas] == list(range(len(datas)))
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
    assert "".join(data["delta"] for data in datas if data["type"] == "response.output_text.delta") == "hello"
    assert datas[0]["response"]["usage"] is None
    assert datas[-1]["response"]["usage"]["output_tokens"] == 6
    assert datas[-1]["response"]["id"] == datas[0]["response"]["id"]


def test_calls_of_tools_and_their_results_are_refused() -> None:
    async def scenario(server: Server) -> Any:
        return await server.post(PATH, {"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]})

    status, answer = serve(scenario)
    assert (status, answer["error"]["param"]) == (400, "role")
