"""What the gateway reads of a request and of its answer: as much as the scheduler needs, no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from thunderagent.adapters.gateway.shared_starts import SharedStart
from thunderagent.core import PromptSize, Usage

NO_PROMPT = PromptSize(0, 0)


class Asked(NamedTuple):
    """Read from a request's body."""

    body: bytes
    """To be forwarded: the client's bytes, without our own fields."""
    program_id: str | None = None
    """From the body; None: it names none."""
    stream: bool = False
    """Whether server-sent events are asked for."""
    hide_usage: bool = False
    """Whether the usage in the stream was asked for by the gateway and is not to reach the client."""
    prompt: PromptSize = NO_PROMPT
    prompt_tokens: int | None = None
    """Where the prompt is given as token ids; of several prompts, of the longest."""
    prompts: int = 1
    """How many prompts one request has: the usage that an engine tells is their sum, a program's context is one of them."""
    answers: int = 1
    """How many answers are asked for, to each prompt."""
    own_priority: bool = False
    """Whether the body has a ``priority`` of the client's."""
    own_rid: bool = False
    """The same for ``rid``, SGLang's id of a request."""
    own_rank: bool = False
    """The same for SGLang's ``routed_dp_rank`` or ``data_parallel_rank``."""
    docker_ids: tuple[str, ...] = ()
    """Running containers that are the program's from now on."""
    model: bytes = b""
    """As it stands in the body, JSON; empty: it names none."""


Aborted = Callable[[Asked, str], bytes]
"""The body of the answer, by the request and the version of the weights."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Read from an answer's end."""

    usage: Usage | None = None
    tool: str = ""
    """The tool that the answer calls."""
    weight_version: str | None = None
    """Of the weights that it was made with, where the engine tells (SGLang)."""
    aborted: bool = False
    """Whether the engine was told to end it before its time."""


class StreamReader(Protocol):
    """Stands in the stream of one answer. What it gives back is what the client gets."""

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; give those that may go on now (the same object where nothing is to be changed)."""
        ...

    def end(self) -> bytes:
        """The stream is over: what was held back."""
        ...

    @property
    def answered(self) -> Answered:
        """What was read so far."""
        ...

    @property
    def complete(self) -> bool:
        """Whether the answer's last event has come, though the stream may not have ended yet."""
        ...


class Dialect(Protocol):
    """One generating endpoint of one API."""

    path: str
    anthropic: bool
    """Whether errors are told in Anthropic's shape; else in OpenAI's."""
    takes_priority: bool
    """Whether a body may have a ``priority``, at engines that order by it."""
    takes_rid: bool
    """Whether a body may have a ``rid``, at SGLang."""
    rank_in_body: bool
    """Whether the rank is read from the body, not from the header."""
    aborted: Aborted | None
    """The answer to a request that is not run any more; None: this API has none that its clients understand."""

    def read(self, body: bytes) -> Asked:
        """Read a request.

        Raises:
            RequestProblem: 400; it is no JSON object, or one of our fields is not usable.
        """
        ...

    def shared_start(self, body: bytes) -> SharedStart:
        """What the request begins with and other programs may begin with too; to be read of a program's first turn."""
        ...

    def answered(self, body: bytes, asked: Asked | None = None) -> Answered:
        """Read a whole JSON answer; what is not there is not known.

        Args:
            body: the answer's bytes, whatever they are.
            asked: the request, for what an answer leaves out: the prompt's tokens, and how many prompts the counts are of.
        """
        ...

    def stream(self, asked: Asked) -> StreamReader:
        """A reader for the answer's events."""
        ...
