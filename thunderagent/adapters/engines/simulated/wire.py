"""The request bodies, as far as the simulated engine reads them (other fields are ignored), and JSON answers."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import orjson
from aiohttp import web

from thunderagent.adapters.engines.simulated import tool_calls
from thunderagent.adapters.engines.simulated.errors import ApiError
from thunderagent.adapters.engines.simulated.tool_calls import ToolCall

TokenId = Annotated[int, msgspec.Meta(ge=0)]
PositiveInt = Annotated[int, msgspec.Meta(ge=1)]


class SamplingParams(msgspec.Struct):
    """vLLM's sampling parameters; what only shapes the distribution means nothing to a scripted policy."""

    max_tokens: PositiveInt | None = None
    logprobs: int | bool | None = None
    n: int = 1


class GenerateRequest(msgspec.Struct):
    """Body of /inference/v1/generate."""

    token_ids: list[TokenId]
    sampling_params: SamplingParams = msgspec.field(default_factory=SamplingParams)
    model: str | None = None
    cache_salt: str | None = None
    request_id: str | None = None


TEXTS = ("text", "input_text", "output_text")
"""What a part of a message that is text is called in the three APIs."""


class ContentPart(msgspec.Struct):
    """One part of a message: text or, in Anthropic's API, a call of a tool or what a tool gave."""

    type: str
    text: str = ""
    name: str = ""
    input: dict[str, Any] = {}
    content: str | list[ContentPart] | None = None


class CalledFunction(msgspec.Struct):
    """What a call of OpenAI's API names."""

    name: str
    arguments: str = "{}"


class CalledTool(msgspec.Struct):
    """One call in a message of OpenAI's API."""

    function: CalledFunction

    def call(self) -> ToolCall:
        """The same. Raises ApiError if the arguments are not JSON."""
        try:
            return ToolCall(self.function.name, orjson.loads(self.function.arguments or "{}"))
        except orjson.JSONDecodeError as error:
            raise ApiError(f"messages has a call whose arguments are not JSON: {error}", param="messages") from error


class Message(msgspec.Struct):
    """One chat message."""

    role: str
    content: str | list[ContentPart] | None = None
    tool_calls: list[CalledTool] | None = None

    def turn(self) -> tuple[str, str]:
        """Role and text as the template shows them. Raises ApiError for what is not understood."""
        text = self.text()
        if self.role == "tool":
            return "user", tool_calls.response(text)
        return self.role, tool_calls.message(text, [called.call() for called in self.tool_calls or ()])

    def text(self) -> str:
        """The text of all parts. Raises ApiError for a part that is not understood."""
        return _text_of(self.content)


def _text_of(content: str | list[ContentPart] | None) -> str:
    if not isinstance(content, list):
        return content or ""
    said, whole = "", []
    for part in content:
        if part.type in TEXTS:
            said += part.text
        elif part.type == "tool_use":
            whole.append(ToolCall(part.name, part.input).text())
        elif part.type == "tool_result":
            whole.append(tool_calls.response(_text_of(part.content)))
        else:
            raise ApiError(f"messages has a content part of type {part.type!r}, only 'text' is supported", param="messages")
    return "\n".join([*([said] if said else []), *whole])


class StreamOptions(msgspec.Struct):
    """OpenAI's stream_options."""

    include_usage: bool = False


class ModelRequest(msgspec.Struct, kw_only=True):
    """What generating endpoints have in common."""

    model: str | None = None
    stream: bool = False
    cache_salt: str | None = None
    request_id: str | None = None
    tools: list[dict[str, Any]] | None = None
    """Definitions of tools, as chat completions and messages have them."""


class OpenAiRequest(ModelRequest, kw_only=True):
    """What OpenAI's older endpoints have in common."""

    n: int = 1
    stream_options: StreamOptions | None = None

    @property
    def include_usage(self) -> bool:
        """Whether a stream ends with the usage."""
        return self.stream_options is not None and self.stream_options.include_usage


class ChatRequest(OpenAiRequest, kw_only=True):
    """Body of /v1/chat/completions."""

    messages: Annotated[list[Message], msgspec.Meta(min_length=1)]
    max_tokens: PositiveInt | None = None
    max_completion_tokens: PositiveInt | None = None


class CompletionRequest(OpenAiRequest, kw_only=True):
    """Body of /v1/completions."""

    prompt: str | list[TokenId | str | list[TokenId]]
    max_tokens: PositiveInt | None = 16

    def one_prompt(self) -> str | list[int]:
        """Its text or token ids. Raises ApiError if there are several prompts, or none."""
        if isinstance(self.prompt, str):
            return self.prompt
        ids = [part for part in self.prompt if isinstance(part, int)]
        if len(ids) == len(self.prompt):
            return ids
        only = self.prompt[0]
        if len(self.prompt) > 1 or isinstance(only, int):
            raise ApiError(f"prompt has {len(self.prompt)} prompts, only 1 is supported", param="prompt")
        return only


class MessagesRequest(ModelRequest, kw_only=True):
    """Body of /v1/messages."""

    messages: Annotated[list[Message], msgspec.Meta(min_length=1)]
    max_tokens: PositiveInt
    system: str | list[ContentPart] | None = None

    def all_messages(self) -> list[Message]:
        """With the system prompt, which is a field of its own here."""
        return [*([Message("system", self.system)] if self.system else []), *self.messages]


class ResponsesRequest(ModelRequest, kw_only=True):
    """Body of /v1/responses."""

    input: str | Annotated[list[Message], msgspec.Meta(min_length=1)]
    instructions: str | None = None
    max_output_tokens: PositiveInt | None = None

    def all_messages(self) -> list[Message]:
        """With the instructions, as a system prompt."""
        given = [Message("user", self.input)] if isinstance(self.input, str) else self.input
        return [*([Message("system", self.instructions)] if self.instructions else []), *given]


class SglangSamplingParams(msgspec.Struct):
    """SGLang's sampling parameters."""

    max_new_tokens: PositiveInt | None = 128
    n: int = 1
    stop: str | list[str] | None = None
    no_stop_trim: bool = False
    skip_special_tokens: bool = True

    def stops(self) -> list[str]:
        """Texts that end an answer."""
        return [self.stop] if isinstance(self.stop, str) else [text for text in self.stop or () if text]


class SglangRequest(msgspec.Struct):
    """Body of SGLang's /generate."""

    text: str | None = None
    input_ids: list[TokenId] | None = None
    sampling_params: SglangSamplingParams = msgspec.field(default_factory=SglangSamplingParams)
    stream: bool = False
    return_logprob: bool = False
    rid: str | None = None
    cache_salt: str | None = None

    def one_prompt(self) -> str | list[int]:
        """Its text or token ids. Raises ApiError if there is neither."""
        prompt = self.text if self.input_ids is None else self.input_ids
        if prompt is None:
            raise ApiError("text or input_ids is missing", param="text")
        return prompt


class TokenizeRequest(msgspec.Struct):
    """Body of /tokenize."""

    prompt: str


class DetokenizeRequest(msgspec.Struct):
    """Body of /detokenize."""

    tokens: list[TokenId]


class SglangAbort(msgspec.Struct):
    """Body of SGLang's /abort_request."""

    rid: str | None = None
    abort_all: bool = False


class SglangPause(msgspec.Struct):
    """Body of /pause_generation."""

    mode: Literal["abort", "retract", "in_place"] = "abort"


class WeightVersion(msgspec.Struct):
    """Body of /update_weight_version."""

    new_version: str
    abort_all_requests: bool = True


class WeightUpdate(msgspec.Struct):
    """Body of SGLang's weight updates, as far as an engine without weights cares."""

    weight_version: str | None = None
    flush_cache: bool = True
    abort_all_requests: bool = False


class AbortRequests(msgspec.Struct):
    """Body of /abort_requests."""

    request_ids: list[str]


Body = TypeVar("Body", bound=msgspec.Struct)


async def read_body(request: web.Request, kind: type[Body]) -> Body:
    """Parse a body. Raises ApiError that names the field at fault."""
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except msgspec.ValidationError as error:
        raise ApiError(f"invalid request body: {error}", param=_field_at_fault(str(error))) from error
    except msgspec.DecodeError as error:
        raise ApiError(f"the request body is not JSON: {error}") from error


def _field_at_fault(message: str) -> str | None:
    """The field in msgspec's "... missing required field `x`" or "... - at `$.x[0]`"."""
    found = re.search(r"field `([^`]+)`", message) or re.search(r"at `\$\.([^`\[]+)", message)
    return found[1] if found else None


def json_response(body: Any) -> web.Response:
    """200 with a JSON body."""
    return web.Response(body=orjson.dumps(body), content_type="application/json")
