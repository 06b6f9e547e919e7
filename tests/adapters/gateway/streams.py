"""Streams as engines write them, by hand, and ways to cut them into chunks."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st


def event(data: Any, name: str = "", end: str = "\n") -> bytes:
    """One event; data that is no string is written as JSON without spaces, as engines do."""
    text = data if isinstance(data, str) else json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    lines = [f"event: {name}"] if name else []
    return (end.join([*lines, *(f"data: {line}" for line in text.split("\n"))]) + 2 * end).encode()


def vllm_chunk(delta: dict[str, Any], finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
    """A chunk of vLLM's chat completions; counts, where there are any, come last."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    envelope = {"id": "chatcmpl-8b6f", "object": "chat.completion.chunk", "created": 1764115200, "model": "qwen"}
    return envelope | {"choices": [choice]} | more


def sglang_chunk(content: str | None, tool_calls: Any = None) -> dict[str, Any]:
    """A chunk of SGLang's chat completions, which writes every field, null or not."""
    delta = {"role": None, "content": content, "reasoning_content": None, "tool_calls": tool_calls}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None, "matched_stop": None}
    envelope = {"id": "5c1a", "object": "chat.completion.chunk", "created": 1764115200, "model": "qwen"}
    return envelope | {"choices": [choice], "usage": None}


COUNTS = {
    "prompt_tokens": 1843,
    "total_tokens": 1866,
    "completion_tokens": 23,
    "prompt_tokens_details": {"cached_tokens": 1824},
}
USAGE = {
    "id": "chatcmpl-8b6f",
    "object": "chat.completion.chunk",
    "created": 1764115200,
    "model": "qwen",
    "choices": [],
    "usage": COUNTS,
}
DONE = event("[DONE]")

CALL = {"id": "chatcmpl-tool-b1", "type": "function", "index": 0, "function": {"name": "bash"}}
ARGUMENTS = {"index": 0, "function": {"arguments": '{"command": "ls"}'}}

VLLM = b"".join(
    [
        event(vllm_chunk({"role": "assistant", "content": ""})),
        event(vllm_chunk({"content": 'I write "usage": {"prompt_tokens": 1} and "function": {"name": "x"} …'})),
        event(vllm_chunk({"tool_calls": [CALL]})),
        event(vllm_chunk({"tool_calls": [ARGUMENTS]})),
        event(vllm_chunk({"content": ""}, "tool_calls")),
    ]
)
"""Without usage and end."""


def cuts(stream: bytes) -> st.SearchStrategy[list[bytes]]:
    """The stream in chunks."""
    places = st.lists(st.integers(0, len(stream)), max_size=8) | st.just(list(range(len(stream))))
    return places.map(
        lambda places: [stream[a:b] for a, b in zip([0, *sorted(places)], [*sorted(places), len(stream)], strict=True)]
    )
