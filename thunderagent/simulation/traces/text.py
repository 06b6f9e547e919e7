"""Texts and messages, whose tokens are estimated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from thunderagent.core import measure
from thunderagent.core.estimation import IMAGE_TOKENS
from thunderagent.simulation.traces.fields import BadRecord, objects
from thunderagent.simulation.traces.recorded import ImportOptions
from thunderagent.simulation.traces.sharing import Piece

MESSAGE_TOKENS = 4
"""Of a message beside its text: chat templates mark its begin, its role and its end."""
PROMPT_FIELDS = ("content", "reasoning_content", "reasoning", "tool_calls", "function_call", "name")
"""Of a message; agents keep notes of their own in other fields."""
BLOCK_TOKENS = 64
"""Of the pieces that a text is compared in."""
ROLES = {"human": "user", "gpt": "assistant", "chatgpt": "assistant", "bard": "assistant", "bing": "assistant"}
"""Names of roles in ShareGPT's files and elsewhere."""


def text_tokens(content: Any, options: ImportOptions) -> int:
    """Of a text, or whatever else the content of a message may be."""
    size = measure(content)
    return round(size.characters / options.characters_per_token) + size.images * IMAGE_TOKENS


def messages(fields: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A list of messages, in OpenAI's shape whichever it had before; raises ``BadRecord`` if it is none."""
    return [_message(item, name) for item in objects(fields, name)]


def blocks(content: str, options: ImportOptions) -> list[Piece]:
    """The full blocks of a text, as an engine has them of its tokens."""
    size = max(1, round(BLOCK_TOKENS * options.characters_per_token))
    return [Piece(content[begin : begin + size], BLOCK_TOKENS) for begin in range(0, len(content) - size + 1, size)]


def piece(message: Mapping[str, Any], options: ImportOptions) -> Piece:
    """A message as a part of a prompt."""
    prompt = {field: message[field] for field in PROMPT_FIELDS if message.get(field) is not None}
    key = json.dumps({"role": message["role"], **prompt}, sort_keys=True)
    return Piece(key, text_tokens(prompt, options) + MESSAGE_TOKENS)


def called_tool(message: Mapping[str, Any]) -> str:
    """The first tool that an answer calls; empty if it calls none by name."""
    content = message.get("content")
    calls = [message.get("function_call"), *_list(message.get("tool_calls")), *_list(content)]
    for call in calls:
        if isinstance(call, Mapping):
            function = call.get("function")
            name = function.get("name") if isinstance(function, Mapping) else call.get("name")
            if isinstance(name, str) and name:
                return name
    return ""


def _message(item: dict[str, Any], name: str) -> dict[str, Any]:
    role = item.get("role", item.get("from"))
    if not isinstance(role, str):
        raise BadRecord(f"{name} has an entry without a role")
    return {**item, "role": ROLES.get(role, role), "content": item.get("content", item.get("value"))}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
