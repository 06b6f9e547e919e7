"""What a gateway and its scheduler say to each other: one message per frame, as msgpack arrays with a tag in front.

A gateway begins with ``Hello`` and is answered with ``Welcome`` or ``Denied``. Turns have numbers that their gateway gives them,
requests to engines too; neither is used twice on a link.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

VERSION = 1
"""Grows with every change that one side would not understand."""
MAX_NAME = 1 << 20
"""Characters of a program's id: what the gateway lets through is shorter."""

Name = Annotated[str, Meta(max_length=MAX_NAME)]
Count = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0.0, le=1e9)]


class Message(msgspec.Struct, array_like=True, tag=True, frozen=True, gc=False, forbid_unknown_fields=True):
    """One of those below."""


# From the gateway


class Hello(Message, frozen=True, tag="hello"):
    """The first frame. Its shape is that of every version."""

    version: int
    token: str = ""
    """The secret that both sides share; empty: none."""


class Arrive(Message, frozen=True, tag="arrive"):
    """A turn, as ``Runtime.turn`` takes it."""

    turn: int
    program_id: Name
    prompt_tokens: Count | None
    characters: Count
    images: Count
    group: Name
    phase: Name
    tool: Name
    prefix: Name
    prefix_tokens: Count
    prefix_characters: Count
    priority: int
    max_wait_s: Seconds | None
    max_waiting: Count | None


class Adopt(Message, frozen=True, tag="adopt"):
    """A turn that runs already."""

    arrival: Arrive
    backend: Name
    waited_s: Seconds
    ran_s: Seconds


class FirstToken(Message, frozen=True, tag="first"):
    """The prefill of a streamed turn is over."""

    turn: int


class Progress(Message, frozen=True, tag="at"):
    """A streamed turn is at so many generated tokens."""

    turn: int
    completion_tokens: Count


class Failed(Message, frozen=True, tag="failed"):
    """A try of a running turn; ``Again`` may follow. ``elsewhere``: the next is to go to another backend."""

    turn: int
    elsewhere: bool


class Again(Message, frozen=True, tag="again"):
    """The next try of a turn that failed or has lost its backend."""

    turn: int


class Counts(msgspec.Struct, array_like=True, frozen=True, gc=False, forbid_unknown_fields=True):
    """Of a turn that was completed: ``core.Usage``, and where its time went if the engine tells."""

    prompt_tokens: Count
    completion_tokens: Count
    cached_tokens: Count | None
    prefill_s: Seconds | None
    timing: tuple[Seconds, Seconds, Seconds] | None
    """In the engine's queue, in prefill, in decode."""


class Left(Message, frozen=True, tag="left"):
    """A turn is over. ``outcome``: as for ``Runtime.leave``."""

    turn: int
    outcome: str
    counts: Counts | None
    tool: Name


class Sent(Message, frozen=True, tag="sent"):
    """A request is on its way to an engine."""

    request: int
    backend: Name
    retry: bool


class Ended(Message, frozen=True, tag="ended"):
    """It is over; ``ok`` and ``answered`` are the fleet's."""

    request: int
    ok: bool | None
    answered: bool


class Release(Message, frozen=True, tag="release"):
    """A program is over."""

    program_id: Name


class Withdraw(Message, frozen=True, tag="withdraw"):
    """A program is over if it never ran."""

    program_id: Name


class Weights(Message, frozen=True, tag="weights"):
    """A backend has answered with weights of this version."""

    backend: Name
    version: Name


class Http(Message, frozen=True, tag="http"):
    """What the gateway has counted since it last told, each second, also when that is nothing: it lives."""

    answers: list[tuple[Name, int, Count]]
    """Endpoint, status, how many."""
    problems: list[tuple[Name, Count]]
    retries: Count
    disconnects: Count
    passed_through: Count
    """Turns that no scheduler was asked for, as it was lost."""
    open_requests: Count
    """Now."""


class Attach(Message, frozen=True, tag="attach"):
    """These containers are to be a program's; answered with ``Attached``."""

    call: int
    program_id: Name
    docker_ids: list[Name]


# From the scheduler


class Welcome(Message, frozen=True, tag="welcome"):
    """The gateway is known from now on."""

    version: int
    port: int
    """Of the scheduler's HTTP: management, and whatever is no turn."""
    names_sessions: bool
    """Whether engines are to be told each program as ``X-Session-ID``."""


class Denied(Message, frozen=True, tag="denied"):
    """The scheduler will not have this gateway; the link ends."""

    reason: str


class Backend(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """How a backend is reached (the gateway's ``Route``), and whether it is well."""

    id: str
    url: str
    rank: int | None
    priority_sign: int
    abort: tuple[bytes, bytes] | None
    """Path and body of the call that ends a request; in the body, ``REQUEST_ID`` stands for its id."""
    healthy: bool


REQUEST_ID = "thunder-request-id"


class Backends(Message, frozen=True, tag="backends"):
    """All of them; told whenever something of it changes."""

    backends: list[Backend]


class Admitted(Message, frozen=True, tag="go"):
    """A turn may run."""

    turn: int
    backend: str
    priority: int | None


class Refused(Message, frozen=True, tag="refused"):
    """A turn will not be run."""

    turn: int
    cause: str
    reason: str
    retry_after_s: float | None


class Lost(Message, frozen=True, tag="lost"):
    """A running turn has lost its backend."""

    turn: int


class EndRollout(Message, frozen=True, tag="end_rollout"):
    """What waits is to be answered as aborted; these programs were known."""

    programs: list[str]


class Attached(Message, frozen=True, tag="attached"):
    """The answer to ``Attach``; a problem is one of HTTP."""

    call: int
    problem: tuple[int, str, str, str | None, float | None] | None
    """Status, reason, message, parameter, when to try again."""


class Alive(Message, frozen=True, tag="alive"):
    """The scheduler's answer to ``Http``."""


FromGateway = (
    Hello
    | Arrive
    | Adopt
    | FirstToken
    | Progress
    | Failed
    | Again
    | Left
    | Sent
    | Ended
    | Release
    | Withdraw
    | Weights
    | Http
    | Attach
)
FromScheduler = Welcome | Denied | Backends | Admitted | Refused | Lost | EndRollout | Attached | Alive
T = TypeVar("T")

encode = msgspec.msgpack.Encoder().encode
read_gateway = msgspec.msgpack.Decoder(FromGateway).decode
read_scheduler = msgspec.msgpack.Decoder(FromScheduler).decode
BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError)
"""What reading a frame may raise."""


def shown(error: Any) -> str:
    """Of a frame that cannot be read: no more than a line."""
    return str(error)[:200]
