"""OpenAI's responses."""

from __future__ import annotations

import msgspec

from thunderagent.adapters.gateway import counts
from thunderagent.adapters.gateway.answer import Asked
from thunderagent.adapters.gateway.body import BodyReader, RequestFields
from thunderagent.adapters.gateway.dialects.api import Answer, Api, reader_of
from thunderagent.adapters.gateway.prompt_sizes import Prompt, size_of
from thunderagent.adapters.gateway.raw_json import NOTHING
from thunderagent.adapters.gateway.stream import EventShape
from thunderagent.core import PromptSize, Usage


class _Item(msgspec.Struct, gc=False):
    """A message, a call of a tool, or what the tool gave."""

    content: msgspec.Raw = NOTHING
    arguments: msgspec.Raw = NOTHING
    output: msgspec.Raw = NOTHING


class _Request(RequestFields):
    instructions: msgspec.Raw = NOTHING
    tools: msgspec.Raw = NOTHING


class ItemsRequest(_Request):
    """``input`` is a list of items."""

    input: list[_Item] = msgspec.field(default_factory=list)

    def prompt(self) -> Prompt:
        """The size of all items, with the instructions and the tools' definitions."""
        characters, images = size_of([text for item in self.input for text in (item.content, item.output)])
        characters += len(self.instructions) + len(self.tools) + sum([len(item.arguments) for item in self.input])
        return Prompt(PromptSize(characters, images))


class TextRequest(_Request):
    """``input`` is a string."""

    input: msgspec.Raw = NOTHING

    def prompt(self) -> Prompt:
        """The size of the text, with the instructions and the tools' definitions."""
        return Prompt(PromptSize(len(self.input) + len(self.instructions) + len(self.tools), 0))


class _Output(msgspec.Struct):
    type: str = ""
    name: str | None = None


class ResponseAnswer(Answer):
    """``output[]``, where a call has the type ``function_call``."""

    output: list[_Output] = msgspec.field(default_factory=list)

    def counted(self, asked: Asked | None) -> Usage | None:
        """``input_tokens`` and ``output_tokens``."""
        return counts.responses(self.usage)

    def tool(self) -> str:
        """The first function that is called."""
        return next((item.name or "" for item in self.output if item.type == "function_call"), "")


class _OnlyUsage(ResponseAnswer):
    output: msgspec.Raw = NOTHING  # type: ignore[assignment]

    def tool(self) -> str:
        return ""


LAST_EVENTS = (b'"response.completed"', b'"response.incomplete"', b'"response.failed"')

RESPONSES = Api(
    "/v1/responses",
    BodyReader(ItemsRequest, TextRequest),
    reader_of(ResponseAnswer, _OnlyUsage),
    EventShape(counts.responses, last=LAST_EVENTS, tool_key=b'"item"', tool_type="function_call"),
    takes_priority=True,
    chat=True,
)
