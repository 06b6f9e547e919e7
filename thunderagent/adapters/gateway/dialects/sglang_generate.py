"""SGLang's own generate. Every event, and every answer, has the counts so far in ``meta_info``; tools are text here."""

from __future__ import annotations

from typing import Any

import msgspec

from thunderagent.adapters.gateway import counts
from thunderagent.adapters.gateway.answer import Answered, Asked
from thunderagent.adapters.gateway.body import BodyReader, RequestFields
from thunderagent.adapters.gateway.dialects.api import Api
from thunderagent.adapters.gateway.prompt_sizes import Prompt, text_or_ids
from thunderagent.adapters.gateway.raw_json import (
    NOTHING,
    UNREADABLE,
    first_of_list,
    is_list,
    is_text,
    items,
    length_of_flat_list,
    number,
)
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


class _MetaInfo(msgspec.Struct):
    """Without the logprobs, which can be many."""

    prompt_tokens: Any = None
    completion_tokens: Any = None
    cached_tokens: Any = None
    weight_version: Any = None
    finish_reason: Any = None


class _Generated(msgspec.Struct):
    meta_info: _MetaInfo | None = None


_ONE: msgspec.json.Decoder[_Generated] = msgspec.json.Decoder(_Generated)
_BATCH: msgspec.json.Decoder[list[_Generated]] = msgspec.json.Decoder(list[_Generated])


def _answered(body: bytes, asked: Asked | None) -> Answered:
    """The counts of the answer, in a batch of the one with the longest context."""
    try:
        answers = _BATCH.decode(body) if body.lstrip()[:1] == b"[" else [_ONE.decode(body)]
    except UNREADABLE:
        return Answered()
    told = [msgspec.structs.asdict(answer.meta_info) for answer in answers if answer.meta_info is not None]
    known = [usage for meta_info in told if (usage := counts.sglang(meta_info)) is not None]
    more = _more(told[-1]) if told else {}
    return Answered(max(known, key=lambda usage: usage.context_tokens, default=None), **more)


def _more(meta_info: dict[str, Any]) -> dict[str, Any]:
    """What ``meta_info`` tells beside the counts."""
    version, reason = meta_info.get("weight_version"), meta_info.get("finish_reason")
    return {
        "weight_version": version if isinstance(version, str) else None,
        "aborted": isinstance(reason, dict) and reason.get("type") == "abort",
    }


def _images(data: msgspec.Raw) -> int:
    """An image, or a list of them, is a URL, a path or base64; null and nothing is none."""
    return len(items(data)) if is_list(data) else int(is_text(data))


class _Params(msgspec.Struct):
    n: msgspec.Raw = NOTHING


class _Unrun(msgspec.Struct):
    """What the answer to a request that was not run repeats of it."""

    text: msgspec.Raw = NOTHING
    input_ids: msgspec.Raw = NOTHING
    rid: str | list[str] | None = None
    return_logprob: Any = None
    sampling_params: _Params | None = None


_UNRUN: msgspec.json.Decoder[_Unrun] = msgspec.json.Decoder(_Unrun)
ABORT_MESSAGE = "It was not sent to an engine any more."


def _aborted(asked: Asked, weight_version: str) -> bytes:
    """As SGLang answers a request that was aborted before it ran."""
    try:
        unrun = _UNRUN.decode(asked.body)
    except UNREADABLE:  # of another type, which an engine would have refused
        unrun = _Unrun()
    given = unrun.text if unrun.input_ids is NOTHING else unrun.input_ids
    batch = first_of_list(given) in (b'"', b"[")
    prompts = items(given) if batch else [given]
    samples = 1 if unrun.sampling_params is None else number(unrun.sampling_params.n)
    ids = unrun.rid if isinstance(unrun.rid, list) else [unrun.rid or ""] * len(prompts)
    answers = [
        {
            "text": "",
            "output_ids": [],
            "meta_info": {
                "id": rid,
                "finish_reason": {"type": "abort", "message": ABORT_MESSAGE},
                "prompt_tokens": length_of_flat_list(prompt) if is_list(prompt) else 0,
                "completion_tokens": 0,
                "cached_tokens": 0,
                "weight_version": weight_version,
                **({"output_token_logprobs": []} if unrun.return_logprob else {}),
            },
        }
        for prompt, rid in zip(prompts, ids, strict=False)
        for _ in range(samples)
    ]
    whole = not batch and samples == 1
    if not asked.stream:
        return msgspec.json.encode(answers[0] if whole else answers)
    events = answers if whole else [{"index": index, **answer} for index, answer in enumerate(answers)]
    return b"".join(b"data: " + msgspec.json.encode(event) + b"\n\n" for event in events) + b"data: [DONE]\n\n"


SGLANG_GENERATE = Api(
    "/generate",
    BodyReader(GenerateRequest),
    _answered,
    EventShape(counts.sglang, b'"meta_info"', more=_more),
    takes_priority=True,
    takes_rid=True,
    # The header is not read here. By this name it is known to all versions; `routed_dp_rank` is its new one.
    rank_in_body=True,
    aborted=_aborted,
)
