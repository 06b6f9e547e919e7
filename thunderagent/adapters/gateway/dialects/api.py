"""One generating endpoint: a reader of requests, a reader of whole answers, and the shape of its events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from thunderagent.adapters.gateway import counts
from thunderagent.adapters.gateway.answer import Aborted, Answered, Asked, StreamReader
from thunderagent.adapters.gateway.body import BodyReader
from thunderagent.adapters.gateway.raw_json import UNREADABLE
from thunderagent.adapters.gateway.shared_starts import NO_START, SharedStart, shared_start
from thunderagent.adapters.gateway.stream import EventShape, HidingReader, PassingReader
from thunderagent.core import Usage

ReadAnswer = Callable[[bytes, Asked | None], Answered]


class Answer(msgspec.Struct):
    """What is read of a whole answer, in OpenAI's shape; subclasses say where the tool is, or the counts."""

    usage: Any = None

    def counted(self, asked: Asked | None) -> Usage | None:
        """The counts of all prompts and answers."""
        return counts.openai(self.usage)

    def tool(self) -> str:
        """The first tool that is called, or nothing."""
        return ""


class Api:
    """A dialect (``thunderagent.adapters.gateway.answer.Dialect``)."""

    def __init__(
        self,
        path: str,
        requests: BodyReader,
        answered: ReadAnswer,
        events: EventShape,
        *,
        anthropic: bool = False,
        takes_priority: bool = False,
        takes_rid: bool = False,
        rank_in_body: bool = False,
        aborted: Aborted | None = None,
        chat: bool = False,
    ) -> None:
        self.path = path
        self.anthropic = anthropic
        self.takes_priority, self.takes_rid, self.rank_in_body = takes_priority, takes_rid, rank_in_body
        self.aborted = aborted
        self._chat = chat
        self._requests = requests
        self._answered = answered
        self._events = events

    def read(self, body: bytes) -> Asked:
        """Read a request.

        Raises:
            RequestProblem: 400; it is no JSON object, or one of our fields is not usable.
        """
        return self._requests.read(body)

    def shared_start(self, body: bytes) -> SharedStart:
        """What programs may have in common; of prompts that are one text, or token ids, nothing is known."""
        return shared_start(body) if self._chat else NO_START

    def answered(self, body: bytes, asked: Asked | None = None) -> Answered:
        """Read a whole JSON answer; what is not there, or wrong, is not known."""
        return self._answered(body, asked)

    def stream(self, asked: Asked) -> StreamReader:
        """A reader for the answer's events."""
        return HidingReader(self._events, asked) if asked.hide_usage else PassingReader(self._events, asked)


def reader_of(*kinds: type[Answer]) -> ReadAnswer:
    """Reads an answer as the first of these that it fits."""
    decoders = [msgspec.json.Decoder(kind) for kind in kinds]

    def answered(body: bytes, asked: Asked | None) -> Answered:
        for decoder in decoders:
            try:
                answer = decoder.decode(body)
            except UNREADABLE:
                continue
            return Answered(counts.of_one_context(answer.counted(asked), asked), answer.tool())
        return Answered()

    return answered
