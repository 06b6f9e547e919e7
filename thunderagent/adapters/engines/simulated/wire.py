"""The request bodies, as far as the simulated engine reads them (other fields are ignored), and JSON answers."""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeVar

import msgspec
import orjson
from aiohttp import web

from thunderagent.adapters.engines.simulated.errors import ApiError

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


class ContentPart(msgspec.Struct):
    """One part of a message; only text is understood."""

    type: str
    text: str = ""


class Message(msgspec.Struct):
    """One chat message."""

    role: str
    content: str | list[ContentPart] | None = None

    def text(self) -> str:
        """The text of all parts. Raises ApiError for a part that is not text."""
        if not isinstance(self.content, list):
            return self.content or ""
        for part in self.content:
            if part.type != "text":
                raise ApiError(f"messages has a content part of type {part.type!r}, only 'text' is supported", param="messages")
        return "".join(part.text for part in self.content)


class StreamOptions(msgspec.Struct):
    """OpenAI's stream_options."""

    include_usage: bool = False


class ChatRequest(msgspec.Struct):
    """Body of /v1/chat/completions."""

    messages: Annotated[list[Message], msgspec.Meta(min_length=1)]
    model: str | None = None
    max_tokens: PositiveInt | None = None
    max_completion_tokens: PositiveInt | None = None
    n: int = 1
    stream: bool = False
    stream_options: StreamOptions | None = None
    cache_salt: str | None = None
    request_id: str | None = None


class TokenizeRequest(msgspec.Struct):
    """Body of /tokenize."""

    prompt: str


class DetokenizeRequest(msgspec.Struct):
    """Body of /detokenize."""

    tokens: list[TokenId]


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
