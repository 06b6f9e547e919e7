"""OpenAI's completions: prompts as text or as token ids, one or several."""

from __future__ import annotations

import msgspec

from thunderagent.adapters.gateway import counts
from thunderagent.adapters.gateway.body import BodyReader, RequestFields
from thunderagent.adapters.gateway.dialects.api import Answer, Api, reader_of
from thunderagent.adapters.gateway.prompt_sizes import Prompt, text_or_ids
from thunderagent.adapters.gateway.raw_json import NOTHING, number
from thunderagent.adapters.gateway.stream import EventShape


class CompletionRequest(RequestFields):
    """``prompt`` is a string, a list of strings, token ids, or a list of lists of them."""

    given: msgspec.Raw = msgspec.field(default=NOTHING, name="prompt")
    n: msgspec.Raw = NOTHING

    def prompt(self) -> Prompt:
        """The longest prompt."""
        return text_or_ids(self.given)._replace(answers=number(self.n))


COMPLETIONS = Api(
    "/v1/completions",
    BodyReader(CompletionRequest, usage_on_request=True),
    reader_of(Answer),
    EventShape(counts.openai),
    takes_priority=True,
    takes_rid=True,
)
