"""OpenAI's responses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.adapters.gateway.streams import event
from thunderagent.adapters.gateway.answer import Answered
from thunderagent.adapters.gateway.dialects.responses import RESPONSES
from thunderagent.core import PromptSize, Usage

TOOLS = [{"type": "function", "name": "bash", "parameters": {"type": "object", "properties": {"usage": {"type": "object"}}}}]
CALL = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_1",
    "name": "bash",
    "arguments": '{"command":"ls"}',
    "status": "completed",
}
COUNTS = {
    "input_tokens": 1843,
    "input_tokens_details": {"cached_tokens": 1824},
    "output_tokens": 23,
    "output_tokens_details": {"reasoning_tokens": 5},
    "total_tokens": 1866,
}
WHOLE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1764115200,
    "status": "completed",
    "output": [
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "I look.", "annotations": []}],
        },
        CALL,
    ],
    "tools": TOOLS,
    "usage": COUNTS,
    "user": None,
    "metadata": {},
}
KNOWN = Answered(Usage(1843, 23, 1824), "bash")


def body(given: Any, **more: Any) -> bytes:
    return json.dumps({"model": "qwen", "input": given} | more).encode()


def test_a_text_is_measured_with_the_instructions() -> None:
    assert RESPONSES.read(body("hello", instructions="Be kind.")).prompt == PromptSize(7 + 10, 0)


def test_items_are_measured_with_calls_outputs_instructions_and_tools() -> None:
    image = {"type": "input_image", "image_url": "data:," + "A" * 10_000}
    items = [
        {"role": "user", "content": "Look:"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "here"}, image]},
        CALL,
        {"type": "function_call_output", "call_id": "call_1", "output": "total 0"},
        {"type": "function_call_output", "call_id": "call_2", "output": [image]},
    ]
    prompt = RESPONSES.read(body(items, instructions="Be kind.", tools=TOOLS)).prompt
    texts = ["Look:", "here", CALL["arguments"], "total 0", "Be kind.", TOOLS]
    assert prompt == PromptSize(sum(len(json.dumps(text)) for text in texts), images=2)


def test_a_stream_tells_its_usage_without_being_asked() -> None:
    asked = RESPONSES.read(body("hello", stream=True))
    assert asked.body == body("hello", stream=True)
    assert asked.stream
    assert not asked.hide_usage


def test_a_whole_answer_tells_usage_and_function() -> None:
    assert RESPONSES.answered(json.dumps(WHOLE).encode()) == KNOWN
    text_only = WHOLE | {"output": WHOLE["output"][:2]}  # type: ignore[index]
    assert RESPONSES.answered(json.dumps(text_only).encode()) == Answered(KNOWN.usage)
    assert RESPONSES.answered(json.dumps(WHOLE | {"output": [7]}).encode()) == Answered(KNOWN.usage)


@pytest.mark.parametrize("last", ["response.completed", "response.incomplete"])
def test_a_stream_is_read_to_its_last_event(last: str) -> None:
    begun = WHOLE | {"status": "in_progress", "output": [], "usage": None}
    text = {"type": "message", "id": "msg_1", "status": "in_progress", "role": "assistant", "content": []}
    delta = {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "delta": "I look."}
    events = [
        event({"type": "response.created", "response": begun, "sequence_number": 0}, "response.created"),
        event({"type": "response.output_item.added", "output_index": 0, "item": text}, "response.output_item.added"),
        *[event(delta, "response.output_text.delta")] * 1_000,
        event(
            {"type": "response.output_item.added", "output_index": 1, "item": CALL | {"arguments": ""}},
            "response.output_item.added",
        ),
        event({"type": last, "response": WHOLE, "sequence_number": 99}, last),
    ]
    reader = RESPONSES.stream(RESPONSES.read(body("hello", stream=True)))
    for chunk in events[:-1]:
        assert reader.feed(chunk) is chunk
    assert reader.answered == Answered(None, "bash")
    reader.feed(events[-1])
    assert reader.answered == KNOWN


def test_usage_is_found_at_the_end_of_a_very_long_last_event() -> None:
    reader = RESPONSES.stream(RESPONSES.read(body("hello", stream=True)))
    long = WHOLE | {"output": [CALL | {"arguments": "x" * 300_000}]}
    stream = event({"type": "response.completed", "response": long}, "response.completed")
    for at in range(0, len(stream), 1_000):
        reader.feed(stream[at : at + 1_000])
    assert reader.answered.usage == KNOWN.usage
