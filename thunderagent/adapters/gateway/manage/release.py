"""``POST /programs/release`` and ``POST /finish_session``: a program is over."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from thunderagent.adapters.gateway.access import Need
from thunderagent.adapters.gateway.manage.answers import as_json
from thunderagent.adapters.gateway.manage.endpoint import Endpoint, Parameter
from thunderagent.adapters.gateway.manage.managed import Managed
from thunderagent.adapters.gateway.manage.reading import body_of, one
from thunderagent.adapters.gateway.program_ids import MAX_CHARACTERS, valid_program_id
from thunderagent.errors import RequestProblem

PROGRAM_ID_SCHEMA = {"minLength": 1, "maxLength": MAX_CHARACTERS, "format": "program-id"}
"""No pattern says what is printable, so the format has a name of its own."""


class Release(msgspec.Struct):
    """Which program is over."""

    program_id: Annotated[str, Meta(extra_json_schema=PROGRAM_ID_SCHEMA)]


class _AnyRelease(msgspec.Struct):
    """What is taken beyond what the document says: clients of two APIs call the same thing by two names, in two places."""

    program_id: str | None = None
    session_id: str | None = None


class Released(msgspec.Struct):
    """What became of it."""

    program_id: str
    released: bool
    """False: no such program was known (any more)."""


async def release(gateway: Managed, request: Request) -> Response:
    """Turns of it that still wait are refused. Releasing what is not known is no error: clients release on every way out."""
    asked = await body_of(request, _AnyRelease)
    named = (asked.program_id, asked.session_id, one(request, "program_id"), one(request, "session_id"))
    value = next((value for value in named if value is not None), None)
    if value is None:
        raise RequestProblem(400, "missing_program_id", "program_id is missing", param="program_id")
    program_id = valid_program_id(value)
    released = gateway.runtime.release(program_id)
    if gateway.runtime.keeper is not None:
        await gateway.runtime.keeper.forgotten(program_id)  # no crash brings back what is said to be over
    return as_json(Released(program_id, released))


_SESSION_ID = Parameter("session_id", "Its program id.", {"type": "string", **PROGRAM_ID_SCHEMA}, required=True)

ENDPOINTS = (
    Endpoint("POST", "/programs/release", Need.USE, release, "A program is over", {200: Released}, body=Release),
    Endpoint("POST", "/finish_session", Need.USE, release, "A session is over", {200: Released}, (_SESSION_ID,)),
)
