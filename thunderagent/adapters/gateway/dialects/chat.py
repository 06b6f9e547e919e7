"""OpenAI's chat completions, as vLLM and SGLang serve them."""

from __future__ import annotations

import msgspec

from thunderagent.adapters.gateway import counts
from thunderagent.adapters.gateway.body import BodyReader, RequestFields
from thunderagent.adapters.gateway.dialects.api import Answer, Api, reader_of
from thunderagent.adapters.gateway.prompt_sizes import Prompt, size_of
from thunderagent.adapters.gateway.raw_json import NOTHING, number
from thunderagent.adapters.gateway.stream import EventShape
from thunderagent.core import PromptSize


class _Message(msgspec.Struct, gc=False):
    content: msgspec.Raw = NOTHING
    tool_calls: msgspec.Raw = NOTHING


class ChatRequest(RequestFields):
    """Text is what messages contain, calls of tools with their arguments, and the tools' definitions.

    Earlier reasoning is left out, as chat templates do.
    """

    messages: list[_Message] = msgspec.field(default_factory=list)
    tools: msgspec.Raw = NOTHING
    n: msgspec.Raw = NOTHING

    def prompt(self) -> Prompt:
        """The size of all messages."""
        characters, images = size_of([message.content for message in self.messages])
        characters += len(self.tools) + sum([len(calls) for message in self.messages if (calls := message.tool_calls)])
        return Prompt(PromptSize(characters, images), answers=number(self.n))


class _Function(msgspec.Struct):
    name: str | None = None


class _Call(msgspec.Struct):
    function: _Function | None = None


class _AnsweredMessage(msgspec.Struct):
    tool_calls: list[_Call] | None = None


class _Choice(msgspec.Struct):
    message: _AnsweredMessage | None = None


class ChatAnswer(Answer):
    """``choices[0].message.tool_calls[0].function.name``."""

    choices: list[_Choice] = msgspec.field(default_factory=list)

    def tool(self) -> str:
        """The first tool that the first choice calls."""
        message = self.choices[0].message if self.choices else None
        calls = message.tool_calls if message is not None else None
        function = calls[0].function if calls else None
        return (function.name or "") if function is not None else ""


CHAT = Api(
    "/v1/chat/completions",
    BodyReader(ChatRequest, usage_on_request=True),
    reader_of(ChatAnswer, Answer),
    EventShape(counts.openai, tool_key=b'"function"'),
    takes_priority=True,
    takes_rid=True,
    chat=True,
)
