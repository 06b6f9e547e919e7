"""What stands in for a model in the embedded engine: policies that read the conversation and say what comes next.

They know the task and nothing of scheduling, and depend on what is asked alone: the same question gets the same answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MESSAGE = re.compile(r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>", re.DOTALL)
RESULT = re.compile(r"<tool_response>\n(.*?)\n</tool_response>", re.DOTALL)


@dataclass(frozen=True)
class Conversation:
    """A prompt, taken apart."""

    system: str
    task: str
    """The user's first message."""
    results: tuple[str, ...]
    """What tools gave, in order."""
    turn: int
    """Answers that were given before; 0: the first is asked for."""

    @classmethod
    def of(cls, prompt_text: str) -> Conversation:
        """From a prompt in ChatML."""
        messages = MESSAGE.findall(prompt_text)
        said = [text for role, text in messages if role == "user"]
        return cls(
            system="\n".join(text for role, text in messages if role == "system"),
            task=said[0] if said else "",
            results=tuple(result for text in said[1:] for result in RESULT.findall(text)),
            turn=sum(role == "assistant" for role, _ in messages),
        )


@dataclass(frozen=True)
class Scripted:
    """An ``Answers`` policy of the embedded engine (``--answers``)."""

    say: Callable[[Conversation], str]

    def answer(self, prompt_text: str, session_id: str | None) -> str:
        """The next message."""
        return self.say(Conversation.of(prompt_text))


def call(name: str, **arguments: Any) -> str:
    """A call of a tool, as Hermes' and Qwen's models write it."""
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments})}\n</tool_call>"
