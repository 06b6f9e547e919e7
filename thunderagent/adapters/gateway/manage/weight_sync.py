"""``POST /weight_sync/begin`` and ``/end``: a trainer says when no turn may start."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from thunderagent.adapters.gateway.access import Need
from thunderagent.adapters.gateway.manage.answers import as_json
from thunderagent.adapters.gateway.manage.endpoint import Endpoint, Parameter
from thunderagent.adapters.gateway.manage.managed import Managed
from thunderagent.adapters.gateway.manage.reading import body_of, flag


class End(msgspec.Struct):
    """How a sync ended."""

    kv_lost: bool = False
    """Whether the engines' KV caches, computed with the old weights, are not used any more."""


class WeightSync(msgspec.Struct):
    """Whether turns are held back."""

    status: str
    weight_sync_active: bool


async def begin(gateway: Managed, request: Request) -> Response:
    """A second begin changes nothing."""
    gateway.begin_weight_sync()
    return as_json(WeightSync("ok", True))


async def end(gateway: Managed, request: Request) -> Response:
    """An end without a begin only says what became of the caches. Turns are held on while every engine is stopped."""
    asked, in_query = await body_of(request, End), flag(request, "kv_lost")
    gateway.end_weight_sync(kv_lost=asked.kv_lost if in_query is None else in_query)
    return as_json(WeightSync("ok", gateway.runtime.scheduler.syncing))


_KV_LOST = Parameter("kv_lost", "The same as in the body.", {"type": "boolean"})

ENDPOINTS = (
    Endpoint("POST", "/weight_sync/begin", Need.CHANGE, begin, "Hold back every turn from now on", {200: WeightSync}),
    Endpoint("POST", "/weight_sync/end", Need.CHANGE, end, "Let turns start again", {200: WeightSync}, (_KV_LOST,), End),
)
