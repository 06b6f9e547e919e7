"""Tool calls: in the model's own form, and as each API has them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.adapters.engines.simulated.support import Scripted, Server, serve
from thunderagent.adapters.engines.simulated import tool_calls
from thunderagent.adapters.engines.simulated.tool_calls import ToolCall

LOOK, READ = ToolCall("bash", {"command": "ls"}), ToolCall("read", {"path": "ä.txt", "lines": [1, 2]})
WRITTEN = tool_calls.message("I look.", [LOOK, READ])
OPENAI_TOOLS = [{"type": "function", "function": {"name": "bash", "parameters": {"type": "object"}}}]
ANTHROPIC_TOOLS = [{"name": "bash", "input_schema": {"type": "object"}}]
ASK: list[Any] = [{"role": "user", "content": "what is there?"}]


def chat(messages: list[Any], **fields: Any) -> Any:
    async def scenario(server: Server) -> Any:
        status, answer = await server.post("/v1/chat/completions", {"messages": messages, "tools": OPENAI_TOOLS, **fields})
        assert status == 200, answer
        return answer

    return scenario


def events_of(path: str, text: str, tools: list[Any]) -> list[Any]:
    """The events of a stream, as JSON."""

    async def scenario(server: Server) -> list[str]:
        return await server.events(path, {"messages": ASK, "tools": tools, "stream": True, "max_tokens": 500})

    data = [event.rpartition("data: ")[2] for event in serve(scenario, Scripted(text))]
    return [orjson.loads(line) for line in data if line != "[DONE]"]


def test_what_a_model_writes_is_read_back() -> None:
    assert tool_calls.parsed(WRITTEN) == ("I look.", [LOOK, READ])
    assert tool_calls.parsed(LOOK.text()) == ("", [LOOK])
    assert tool_calls.parsed("just text") == ("just text", [])


@pytest.mark.parametrize("broken", ["{", '{"name": 7}', '{"arguments": {}}', '{"name": "bash", "arguments": "ls"}', "[]"])
def test_a_call_that_cannot_be_read_stays_text(broken: str) -> None:
    text = f"I look.\n<tool_call>{broken}</tool_call>"
    assert tool_calls.parsed(text) == (text, [])


def test_a_stream_shows_text_up_to_where_a_call_may_begin() -> None:
    shown = [tool_calls.shown(WRITTEN[:length]) for length in range(len(WRITTEN) + 1)]
    assert shown[: len("I look.") + 1] == ["I look."[:length] for length in range(len("I look.") + 1)]
    assert set(shown[len("I look.") :]) == {"I look."}
    assert tool_calls.shown("a < b\n<tool") == "a < b"
    assert tool_calls.shown("a < b\n<tools") == "a < b\n<tools"


def test_a_chat_calls_tools() -> None:
    choice = serve(chat(ASK), Scripted(WRITTEN))["choices"][0]
    first, second = choice["message"]["tool_calls"]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", "I look.")
    assert first["function"] == {"name": "bash", "arguments": '{"command": "ls"}'}
    assert orjson.loads(second["function"]["arguments"]) == READ.arguments
    assert first["id"] != second["id"]


def test_without_tools_a_call_is_text() -> None:
    message = serve(chat(ASK, tools=None), Scripted(WRITTEN))["choices"][0]["message"]
    assert message == {"role": "assistant", "content": WRITTEN}


def test_the_model_sees_the_tools_its_calls_and_what_they_gave() -> None:
    policy = Scripted("done")
    calls = [{"id": "1", "type": "function", "function": {"name": "bash", "arguments": '{"command":"ls"}'}}]
    called = {"role": "assistant", "content": "I look.", "tool_calls": calls}
    serve(chat([*ASK, called, {"role": "tool", "tool_call_id": "1", "content": "a.txt"}]), policy)
    prompt = policy.asked[0][0]
    assert prompt.startswith("<|im_start|>system\n# Tools")
    assert '"name": "bash"' in prompt
    assert f"I look.\n{LOOK.text()}<|im_end|>" in prompt
    assert "<|im_start|>user\n<tool_response>\na.txt\n</tool_response><|im_end|>" in prompt


def test_both_apis_show_the_model_the_same() -> None:
    policy = Scripted("done")
    use = {"type": "tool_use", "id": "1", "name": "bash", "input": {"command": "ls"}}
    gave = {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": "a.txt"}]}
    messages = [
        *ASK,
        {"role": "assistant", "content": [{"type": "text", "text": "I look."}, use]},
        {"role": "user", "content": [gave]},
    ]

    async def scenario(server: Server) -> None:
        await server.post("/v1/messages", {"messages": messages, "tools": ANTHROPIC_TOOLS, "max_tokens": 9})

    serve(scenario, policy)
    prompt = policy.asked[0][0]
    assert f"I look.\n{LOOK.text()}<|im_end|>" in prompt
    assert "<|im_start|>user\n<tool_response>\na.txt\n</tool_response><|im_end|>" in prompt


def test_the_next_turn_finds_the_calls_cached() -> None:
    async def scenario(server: Server) -> tuple[int, int]:
        body = {"messages": ASK, "tools": OPENAI_TOOLS}
        _, first = await server.post("/v1/chat/completions", body)
        more = [*ASK, first["choices"][0]["message"], {"role": "tool", "tool_call_id": "1", "content": "a.txt"}]
        _, second = await server.post("/v1/chat/completions", {**body, "messages": more})
        return first["usage"]["total_tokens"], second["usage"]["prompt_tokens_details"]["cached_tokens"]

    total, cached = serve(scenario, Scripted(WRITTEN))
    assert total - 17 < cached <= total  # all full blocks of 16 tokens


def test_a_chat_streams_text_then_calls() -> None:
    chunks = events_of("/v1/chat/completions", WRITTEN, OPENAI_TOOLS)
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    parts = [part for delta in deltas for part in delta.get("tool_calls", ())]
    assert "".join(delta.get("content", "") for delta in deltas) == "I look."
    assert [(part["index"], part["function"].get("name")) for part in parts] == [(0, "bash"), (0, None), (1, "read"), (1, None)]
    assert parts[0]["function"]["arguments"] + parts[1]["function"]["arguments"] == LOOK.arguments_json()
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("text", ["a < b\n<tool", f"a\n{tool_calls.OPEN} is how a call begins"])
def test_what_only_looked_like_a_call_is_streamed_in_the_end(text: str) -> None:
    chunks = events_of("/v1/chat/completions", text, OPENAI_TOOLS)
    events = events_of("/v1/messages", text, ANTHROPIC_TOOLS)
    assert "".join(choice["delta"].get("content", "") for chunk in chunks for choice in chunk["choices"]) == text
    assert "".join(event["delta"].get("text", "") for event in events if event["type"] == "content_block_delta") == text
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_a_message_uses_tools_whole_and_streamed() -> None:
    async def scenario(server: Server) -> Any:
        return await server.post("/v1/messages", {"messages": ASK, "tools": ANTHROPIC_TOOLS, "max_tokens": 500})

    _, message = serve(scenario, Scripted(WRITTEN))
    events = events_of("/v1/messages", WRITTEN, ANTHROPIC_TOOLS)
    begun = [event["content_block"] for event in events if event["type"] == "content_block_start"]
    partial = [event["delta"]["partial_json"] for event in events if event.get("delta", {}).get("type") == "input_json_delta"]
    assert [block["type"] for block in message["content"]] == ["text", "tool_use", "tool_use"]
    assert message["content"][1]["input"] == {"command": "ls"}
    assert message["stop_reason"] == "tool_use"
    assert [(block["type"], block.get("name")) for block in begun] == [("text", None), ("tool_use", "bash"), ("tool_use", "read")]
    assert [orjson.loads(text) for text in partial] == [LOOK.arguments, READ.arguments]
    assert events[-2]["delta"]["stop_reason"] == "tool_use"


def test_arguments_that_are_not_json_are_refused() -> None:
    called = [{"id": "1", "type": "function", "function": {"name": "bash", "arguments": "{"}}]

    async def scenario(server: Server) -> Any:
        return await server.post("/v1/chat/completions", {"messages": [*ASK, {"role": "assistant", "tool_calls": called}]})

    status, answer = serve(scenario)
    assert status == 400
    assert "arguments are not JSON" in answer["error"]["message"]
