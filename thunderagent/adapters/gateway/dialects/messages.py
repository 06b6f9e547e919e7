"""Anthropic's messages, as vLLM and SGLang serve them."""

from __future__ import annotations

import msgspec

from thunderagent.adapters.gateway import counts
from thunderagent.adapters.gateway.answer import Asked
from thunderagent.adapters.gateway.body import BodyReader, RequestFields
from thunderagent.adapters.gateway.dialects.api import Answer, Api, reader_of
from thunderagent.adapters.gateway.prompt_sizes import Part, Prompt, size_of, size_of_parts
from thunderagent.adapters.gateway.raw_json import NOTHING
from thunderagent.adapters.gateway.stream import EventShape
from thunderagent.core import PromptSize, Usage


class _Message(msgspec.Struct, gc=False):
    content: str | list[Part] = ""  # mostly parts, which are read in the same pass this way; plain text is decoded for it


class MessagesRequest(RequestFields):
    """Text is the system prompt, what messages contain, and the tools' definitions."""

    messages: list[_Message] = msgspec.field(default_factory=list)
    system: msgspec.Raw = NOTHING
    tools: msgspec.Raw = NOTHING

    def prompt(self) -> Prompt:
        """The size of all of it."""
        contents = [message.content for message in self.messages]
        characters, images = size_of([self.system])
        characters += len(self.tools) + sum([len(content) for content in contents if isinstance(content, str)])
        text, seen = size_of_parts([part for content in contents if isinstance(content, list) for part in content])
        return Prompt(PromptSize(characters + text, images + seen))


class _Block(msgspec.Struct):
    type: str = ""
    name: str | None = None


class MessageAnswer(Answer):
    """``content[]``, where a call has the type ``tool_use``."""

    content: list[_Block] = msgspec.field(default_factory=list)

    def counted(self, asked: Asked | None) -> Usage | None:
        """``input_tokens``, with what was read from and written to the cache, and ``output_tokens``."""
        return counts.anthropic(self.usage)

    def tool(self) -> str:
        """The first tool that is used."""
        return next((block.name or "" for block in self.content if block.type == "tool_use"), "")


class _OnlyUsage(MessageAnswer):
    content: msgspec.Raw = NOTHING  # type: ignore[assignment]

    def tool(self) -> str:
        return ""


MESSAGES = Api(
    "/v1/messages",
    BodyReader(MessagesRequest),
    reader_of(MessageAnswer, _OnlyUsage),
    # message_start tells what the prompt has, message_delta how much was generated.
    EventShape(
        counts.anthropic, starts_with_usage=True, last=(b"message_stop",), tool_key=b'"content_block"', tool_type="tool_use"
    ),
    anthropic=True,
    chat=True,
)
