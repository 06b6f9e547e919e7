"""One management endpoint: how it is asked, by whom, and what it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from thunderagent.adapters.gateway.access import Need
from thunderagent.adapters.gateway.manage.managed import Managed

Handler = Callable[[Managed, Request], Awaitable[Response]]


@dataclass(frozen=True)
class Parameter:
    """In the query, unless the path of the endpoint names it."""

    name: str
    description: str
    schema: Mapping[str, Any]
    required: bool = False


@dataclass(frozen=True)
class Endpoint:
    """A method of a path. The routes and ``/openapi.json`` are both made of this."""

    method: str
    path: str
    """As Starlette has it; ``{name:path}`` takes slashes."""
    need: Need
    handler: Handler
    summary: str
    answers: Mapping[int, Any]
    """Status -> type of the JSON body (a msgspec type); ``str``: text; a media type: text of that type."""
    parameters: tuple[Parameter, ...] = ()
    body: type[Any] | None = None
    """Type of the JSON body that it takes; it may be left out unless a field of it is required."""
    problems: Mapping[int, str] = field(default_factory=dict)
    """Status -> when; those that follow from what is above are added in the document."""
