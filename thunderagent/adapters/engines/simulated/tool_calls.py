"""Tool calls as Hermes' and Qwen's models write them, and as vLLM's parser ``hermes`` reads them.

<tool_call>
{"name": "bash", "arguments": {"command": "ls"}}
</tool_call>
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

OPEN, CLOSE = "<tool_call>", "</tool_call>"
CALL = re.compile(rf"\n?{OPEN}(.*?){CLOSE}", re.DOTALL)
RULES = (
    "# Tools\n\nYou may call functions. Their signatures:\n<tools>\n{tools}\n</tools>\n\n"
    "For each call, write the function's name and arguments as JSON:\n"
    f'{OPEN}\n{{{{"name": <name>, "arguments": <arguments>}}}}\n{CLOSE}'
)
"""What the template adds to the system prompt."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call."""

    name: str
    arguments: Any
    """An object, as JSON gives it."""

    def text(self) -> str:
        """As the model writes it."""
        content = json.dumps({"name": self.name, "arguments": self.arguments}, ensure_ascii=False)
        return f"{OPEN}\n{content}\n{CLOSE}"

    def arguments_json(self) -> str:
        """As OpenAI's API has them."""
        return json.dumps(self.arguments, ensure_ascii=False)


def message(content: str, calls: Sequence[ToolCall]) -> str:
    """What the model writes to say something and to call tools."""
    return "\n".join([*([content] if content else []), *(call.text() for call in calls)])


def response(content: str) -> str:
    """What a tool gave, as the template shows it to the model."""
    return f"<tool_response>\n{content}\n</tool_response>"


def parsed(text: str) -> tuple[str, list[ToolCall]]:
    """What is said before the first call, and all calls. A text of which a call cannot be read has none, as in vLLM."""
    try:
        calls = [_call(json.loads(found)) for found in CALL.findall(text)]
    except (ValueError, TypeError, KeyError):
        return text, []
    return (_before(text), calls) if calls else (text, [])


def shown(text: str) -> str:
    """Of a stream so far: up to where a call begins, or may."""
    if OPEN in text:
        return _before(text)
    begins = (start[:length] for start in (f"\n{OPEN}", OPEN) for length in range(len(start), 0, -1))
    return text[: -len(held)] if (held := next(filter(text.endswith, begins), "")) else text


def _before(text: str) -> str:
    return text.partition(OPEN)[0].removesuffix("\n")


def _call(content: Any) -> ToolCall:
    name, arguments = content["name"], content.get("arguments", {})
    if not isinstance(name, str) or not isinstance(arguments, dict):
        raise TypeError("a call has a name and an object of arguments")
    return ToolCall(name, arguments)
