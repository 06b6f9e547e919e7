"""Tokens in, tokens out: vLLM's generate, which SkyRL speaks, and SkyRL's own, which tells no usage."""

from __future__ import annotations

import msgspec

from thunderagent.adapters.gateway import counts
from thunderagent.adapters.gateway.answer import Asked
from thunderagent.adapters.gateway.body import BodyReader, RequestFields
from thunderagent.adapters.gateway.dialects.api import Answer, Api, reader_of
from thunderagent.adapters.gateway.prompt_sizes import Prompt
from thunderagent.adapters.gateway.raw_json import NOTHING, is_list, length_of_flat_list, number
from thunderagent.adapters.gateway.stream import EventShape
from thunderagent.core import Usage


class _SamplingParams(msgspec.Struct):
    n: msgspec.Raw = NOTHING


class TokensRequest(RequestFields):
    """``token_ids``, and ``sampling_params.n`` answers to them."""

    token_ids: msgspec.Raw = NOTHING
    sampling_params: _SamplingParams | None = None

    def prompt(self) -> Prompt:
        """The exact number of tokens."""
        tokens = length_of_flat_list(self.token_ids) if is_list(self.token_ids) else None
        return Prompt(tokens=tokens, answers=1 if self.sampling_params is None else number(self.sampling_params.n))


class _Choice(msgspec.Struct):
    token_ids: msgspec.Raw = NOTHING


class TokensAnswer(Answer):
    """``choices[].token_ids`` are counted where no usage is told."""

    choices: list[_Choice] = msgspec.field(default_factory=list)

    def counted(self, asked: Asked | None) -> Usage | None:
        """As the engine tells, else as can be seen: then it is not known what was cached."""
        usage = super().counted(asked)
        if usage is not None or not self.choices or asked is None or asked.prompt_tokens is None:
            return usage
        return Usage(asked.prompt_tokens, sum(length_of_flat_list(choice.token_ids) for choice in self.choices))


_REQUESTS = BodyReader(TokensRequest, usage_on_request=True)
_EVENTS = EventShape(counts.openai)

VLLM_GENERATE = Api("/inference/v1/generate", _REQUESTS, reader_of(TokensAnswer, Answer), _EVENTS, takes_priority=True)
SKYRL_GENERATE = Api("/skyrl/v1/generate", _REQUESTS, reader_of(TokensAnswer, Answer), _EVENTS)
