"""SGLang's own generate. Every event, and every answer, has the counts so far in ``meta_info``; tools are text here."""

from __future__ import annotations

from typing import Any

import msgspec

from thunderagent.adapters.gateway import counts
from thunderagent.adapters.gateway.answer import Answered, Asked
from thunderagent.adapters.gateway.body import BodyReader, RequestFields
from thunderagent.adapters.gateway.dialects.api import Api
from thunderagent.adapters.gateway.prompt_sizes import Prompt, text_or_ids
from thunderagent.adapters.gateway.raw_json import NOTHING, UNREADABLE, is_list, is_text, items
from thunderagent.adapters.gateway.stream import EventShape
from thunderagent.core import PromptSize


class GenerateRequest(RequestFields):
    """``text`` or ``input_ids``, one or a batch, and images beside them."""

    text: msgspec.Raw = NOTHING
    input_ids: msgspec.Raw = NOTHING
    image_data: msgspec.Raw = NOTHING

    def prompt(self) -> Prompt:
        """The longest prompt. The counts of answers are of one prompt each, so that a batch is none here."""
        prompt = text_or_ids(self.text if self.input_ids is NOTHING else self.input_ids)
        return Prompt(PromptSize(prompt.size.characters, _images(self.image_data)), prompt.tokens)


class _Generated(msgspec.Struct):
    meta_info: Any = None


_ONE: msgspec.json.Decoder[_Generated] = msgspec.json.Decoder(_Generated)
_BATCH: msgspec.json.Decoder[list[_Generated]] = msgspec.json.Decoder(list[_Generated])


def _answered(body: bytes, asked: Asked | None) -> Answered:
    """The counts of the answer, in a batch of the one with the longest context."""
    try:
        answers = _BATCH.decode(body) if body.lstrip()[:1] == b"[" else [_ONE.decode(body)]
    except UNREADABLE:
        return Answered()
    known = [usage for answer in answers if (usage := counts.sglang(answer.meta_info)) is not None]
    return Answered(max(known, key=lambda usage: usage.context_tokens, default=None))


def _images(data: msgspec.Raw) -> int:
    """An image, or a list of them, is a URL, a path or base64; null and nothing is none."""
    return len(items(data)) if is_list(data) else int(is_text(data))


SGLANG_GENERATE = Api(
    "/generate",
    BodyReader(GenerateRequest),
    _answered,
    EventShape(counts.sglang, b'"meta_info"'),
    takes_priority=True,
    takes_rid=True,
    # The header is not read here. By this name it is known to all versions; `routed_dp_rank` is its new one.
    rank_in_body=True,
)
