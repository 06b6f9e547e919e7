"""Chat completions, in the shapes of vLLM and SGLang."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.adapters.gateway.streams import CALL, COUNTS, DONE, USAGE, VLLM, event, sglang_chunk
from thunderagent.adapters.gateway.answer import Answered
from thunderagent.adapters.gateway.dialects.chat import CHAT
from thunderagent.core import PromptSize, Usage

TOOLS = [{"type": "function", "function": {"name": "bash", "parameters": {"type": "object", "properties": {}}}}]
MESSAGES: list[dict[str, Any]] = [
    {"role": "system", "content": "You are an agent."},
    {
        "role": "user",
        "content": [{"type": "text", "text": "Look:"}, {"type": "image_url", "image_url": {"url": "data:," + "A" * 10_000}}],
    },
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "bash", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "total 0"},
]
WHOLE = {
    "id": "chatcmpl-8b6f",
    "object": "chat.completion",
    "created": 1764115200,
    "model": "qwen",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "I look.", "tool_calls": [CALL], "reasoning": None},
            "logprobs": None,
            "finish_reason": "tool_calls",
            "stop_reason": None,
        }
    ],
    "usage": COUNTS,
    "prompt_logprobs": None,
    "kv_transfer_params": None,
}


def body(**more: Any) -> bytes:
    return json.dumps({"model": "qwen", "messages": MESSAGES} | more).encode()


def size(*values: Any) -> int:
    return sum(len(json.dumps(value)) for value in values)


def test_text_is_contents_calls_and_tools_and_images_are_counted() -> None:
    asked = CHAT.read(body(tools=TOOLS))
    text = size(MESSAGES[0]["content"], "Look:", None, MESSAGES[2]["tool_calls"], "total 0", TOOLS)
    assert asked.prompt == PromptSize(text, images=1)


def test_text_that_is_added_adds_as_many_characters() -> None:
    before = CHAT.read(body()).prompt
    after = CHAT.read(
        json.dumps({"model": "qwen", "messages": [*MESSAGES, {"role": "user", "content": "x" * 100}]}).encode()
    ).prompt
    assert after == PromptSize(before.characters + 102, before.images)


def test_a_stream_is_asked_for_its_usage() -> None:
    asked = CHAT.read(body(stream=True, program_id="p"))
    assert (asked.program_id, asked.stream, asked.hide_usage) == ("p", True, True)
    assert json.loads(asked.body) == json.loads(body(stream=True)) | {"stream_options": {"include_usage": True}}


@pytest.mark.parametrize(("n", "answers"), [(4, 4), (1, 1), (0, 1), (-2, 1), (None, 1), ("3", 1), (1.5, 1)])
def test_several_answers_are_known(n: Any, answers: int) -> None:
    assert CHAT.read(body(n=n)).answers == answers


def test_a_whole_answer_tells_usage_and_tool() -> None:
    assert CHAT.answered(json.dumps(WHOLE).encode()) == Answered(Usage(1843, 23, 1824), "bash")


@pytest.mark.parametrize("calls", [None, [], [{"function": None}], [{"function": {"name": None}}], [{}]])
def test_an_answer_without_a_call_tells_no_tool(calls: Any) -> None:
    answer = WHOLE | {"choices": [{"message": {"role": "assistant", "content": "Done.", "tool_calls": calls}}]}
    assert CHAT.answered(json.dumps(answer).encode()) == Answered(Usage(1843, 23, 1824), "")


@pytest.mark.parametrize("choices", [None, [], {}, [7], [{"message": 7}], [{"message": {"tool_calls": {}}}]])
def test_usage_is_read_although_the_rest_is_odd(choices: Any) -> None:
    assert CHAT.answered(json.dumps(WHOLE | {"choices": choices}).encode()) == Answered(Usage(1843, 23, 1824), "")


def test_several_answers_to_one_prompt_count_as_one_context() -> None:
    asked = CHAT.read(body(n=2))
    answer = WHOLE | {"usage": {"prompt_tokens": 100, "completion_tokens": 80}}
    assert CHAT.answered(json.dumps(answer).encode(), asked).usage == Usage(100, 40)


def test_vllms_stream_is_read_and_its_usage_hidden() -> None:
    reader = CHAT.stream(CHAT.read(body(stream=True)))
    given = b"".join([reader.feed(VLLM), reader.feed(event(USAGE) + DONE), reader.end()])
    assert given == VLLM + DONE
    assert reader.answered == Answered(Usage(1843, 23, 1824), "bash")


def test_sglangs_stream_is_read() -> None:
    call = {"id": "call_1", "index": 0, "type": "function", "function": {"name": "bash", "arguments": ""}}
    more = call | {"id": None, "function": {"name": None, "arguments": '{"command"'}}
    reader = CHAT.stream(CHAT.read(body(stream=True, stream_options={"include_usage": True})))
    for chunk in (sglang_chunk("I look."), sglang_chunk(None, [call]), sglang_chunk(None, [more]), USAGE):
        assert reader.feed(event(chunk)) == event(chunk)
    assert reader.answered == Answered(Usage(1843, 23, 1824), "bash")
