"""How requests reach a backend, and what is added to them on the way there: its rank, a priority, an id to abort them by."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from thunderagent.adapters.gateway.answer import Asked, Dialect
from thunderagent.adapters.gateway.cutting import with_members
from thunderagent.errors import RequestProblem

RANK_HEADER = b"x-data-parallel-rank"
"""vLLM and SGLang read it on most of their endpoints."""
HIGHEST_PRIORITY = (1 << 63) - 1
"""Engines take signed numbers of 64 bits; its negative fits too."""
REQUEST_ID_PREFIX = "thunder-"
"""So that an engine's log tells whose ids these are. They all have one length: SGLang aborts every id that begins with the given
one."""


class AbortCall(NamedTuple):
    """A POST that ends a request."""

    path: bytes
    body: bytes
    """JSON."""


@dataclass(frozen=True, slots=True)
class Route:
    """The way to one backend."""

    url: str
    """Base URL of the engine. Backends of one URL are its ranks, which share its connections."""
    rank: int | None = None
    """That requests are to name; None: the engine is one backend."""
    priority_sign: int = 0
    """1: the engine serves lower priorities first, as the scheduler counts them; -1: higher ones; 0: it takes none."""
    abort: Callable[[str], AbortCall] | None = None
    """Ends the request of an id (``rid``) that the gateway gave it; None: closing its connection does, no ids are given."""


RouteOf = Callable[[str], Route]
"""The way to a backend, by its id; an engine's URL is an id too. Asked for each try."""


class Outgoing(NamedTuple):
    """A try, as the engine gets it."""

    lines: list[bytes]
    body: bytes
    request_id: str | None
    """To abort it by; None: it has none of ours."""


def outgoing(route: Route, dialect: Dialect, asked: Asked, lines: list[bytes], priority: int | None) -> Outgoing:
    """A request on its way to a backend; unchanged where the route asks for nothing. A client's own fields always stay.

    Args:
        lines: headers, without line ends.
        priority: of its turn, lower first; None: it has none.

    Raises:
        RequestProblem: 400; the request names a rank, which is the scheduler's to choose.
    """
    if route.rank is None and not route.priority_sign and route.abort is None:
        return Outgoing(lines, asked.body, None)
    members: list[bytes] = []
    request_id = None
    if route.rank is not None:
        lines = with_rank(route, lines)
        if asked.own_rank:
            raise _rank_problem("data_parallel_rank")
        if dialect.rank_in_body:
            members.append(b'"data_parallel_rank":%d' % route.rank)
    if route.priority_sign and priority is not None and dialect.takes_priority and not asked.own_priority:
        bounded = max(-HIGHEST_PRIORITY, min(priority, HIGHEST_PRIORITY))
        members.append(b'"priority":%d' % (route.priority_sign * bounded))
    if route.abort is not None and dialect.takes_rid and not asked.own_rid and asked.prompts == asked.answers == 1:
        request_id = REQUEST_ID_PREFIX + uuid.uuid4().hex
        members.append(b'"rid":"%b"' % request_id.encode())
    return Outgoing(lines, with_members(asked.body, members) if members else asked.body, request_id)


def with_rank(route: Route, lines: list[bytes]) -> list[bytes]:
    """Header lines that name the route's rank, if it has one.

    Raises:
        RequestProblem: 400; they name one already.
    """
    if route.rank is None:
        return lines
    if any(line.partition(b":")[0] == RANK_HEADER for line in lines):
        raise _rank_problem("X-Data-Parallel-Rank")
    return [*lines, RANK_HEADER + b": %d" % route.rank]


def _rank_problem(name: str) -> RequestProblem:
    return RequestProblem(
        400,
        "rank_is_chosen",
        f"leave {name} out: the gateway chooses the rank, where the program's KV cache is; X-Thunder-Backend tells which it was",
        param=name,
    )
