"""Anthropic's messages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from tests.adapters.gateway.streams import cuts, event
from thunderagent.adapters.gateway.answer import Answered
from thunderagent.adapters.gateway.dialects.messages import MESSAGES
from thunderagent.core import PromptSize, Usage

TOOLS = [{"name": "bash", "description": "Run a command", "input_schema": {"type": "object", "properties": {}}}]
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 10_000}}
CONVERSATION: list[dict[str, Any]] = [
    {"role": "user", "content": "Look around."},
    {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "bash", "input": {"command": "ls"}}]},
    {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "x"}, IMAGE]}],
    },
]
START = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": [],
        "model": "qwen",
        "stop_reason": None,
        "usage": {"input_tokens": 19, "cache_creation_input_tokens": 4, "cache_read_input_tokens": 1820, "output_tokens": 1},
    },
}


def delta(text: str) -> bytes:
    data = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    return event(data, "content_block_delta")


def last(**counts: Any) -> bytes:
    data = {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None}, "usage": counts}
    return event(data, "message_delta") + event({"type": "message_stop"}, "message_stop")


CALL = {"type": "tool_use", "id": "toolu_2", "name": "bash", "input": {}}
STREAM = b"".join(
    [
        event(START, "message_start"),
        event({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}, "content_block_start"),
        event({"type": "ping"}, "ping"),
        delta('I look at "usage": {"input_tokens": 5}.'),
        event({"type": "content_block_start", "index": 1, "content_block": CALL}, "content_block_start"),
        last(output_tokens=23),
    ]
)


def body(**more: Any) -> bytes:
    return json.dumps({"model": "qwen", "max_tokens": 100, "messages": CONVERSATION} | more).encode()


@pytest.mark.parametrize("system", ["You are...", [{"type": "text", "text": "You are..."}]])
def test_system_messages_and_tools_are_text_and_images_in_results_are_counted(system: Any) -> None:
    prompt = MESSAGES.read(body(system=system, tools=TOOLS)).prompt
    characters = sum(len(json.dumps(text)) for text in ["You are...", {"command": "ls"}, "x", TOOLS])
    assert prompt == PromptSize(characters + len("Look around."), images=1)


def test_errors_are_told_in_anthropics_shape_and_streams_need_not_be_asked() -> None:
    assert MESSAGES.anthropic
    asked = MESSAGES.read(body(stream=True))
    assert asked.stream
    assert not asked.hide_usage
    assert asked.body == body(stream=True)


def test_a_whole_answer_tells_usage_and_tool() -> None:
    answer = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": "I look."}, CALL | {"input": {"usage": {"input_tokens": 5}}}],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 19, "cache_creation_input_tokens": 4, "cache_read_input_tokens": 1820, "output_tokens": 23},
    }
    assert MESSAGES.answered(json.dumps(answer).encode()) == Answered(Usage(1843, 23, 1820), "bash")
    assert MESSAGES.answered(json.dumps(answer | {"content": answer["content"][:1]}).encode()).tool == ""  # type: ignore[index]
    assert MESSAGES.answered(json.dumps(answer | {"content": "odd"}).encode()) == Answered(Usage(1843, 23, 1820))


@given(cuts(STREAM))
def test_the_start_tells_the_prompt_and_the_end_what_was_generated(chunks: list[bytes]) -> None:
    reader = MESSAGES.stream(MESSAGES.read(body(stream=True)))
    for chunk in chunks:
        assert reader.feed(chunk) is chunk
    assert reader.answered == Answered(Usage(1843, 23, 1820), "bash")


def test_the_start_of_a_long_stream_is_remembered() -> None:
    reader = MESSAGES.stream(MESSAGES.read(body(stream=True)))
    reader.feed(event(START, "message_start"))
    for _ in range(2_000):
        reader.feed(delta("some words"))
    assert reader.answered.usage == Usage(1843, 1, 1820)
    reader.feed(last(output_tokens=2_000))
    assert reader.answered.usage == Usage(1843, 2_000, 1820)


def test_vllm_tells_all_counts_at_the_end() -> None:
    start = json.loads(json.dumps(START))
    start["message"]["usage"] = {"input_tokens": 0, "output_tokens": 0}
    reader = MESSAGES.stream(MESSAGES.read(body(stream=True)))
    reader.feed(event(start, "message_start") + last(input_tokens=1843, output_tokens=23, cache_read_input_tokens=None))
    assert reader.answered.usage == Usage(1843, 23)
