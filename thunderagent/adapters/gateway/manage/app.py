"""The management endpoints as one Starlette application."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Iterable
from functools import cache
from typing import Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, compile_path

from thunderagent.adapters.gateway.access import Access
from thunderagent.adapters.gateway.keys import Keys
from thunderagent.adapters.gateway.manage import (
    backends,
    dashboard,
    health,
    live,
    openapi,
    profiles,
    programs,
    prometheus,
    release,
    slime_router,
    tools,
    weight_sync,
    workers,
)
from thunderagent.adapters.gateway.manage.answers import as_problem
from thunderagent.adapters.gateway.manage.endpoint import Endpoint
from thunderagent.adapters.gateway.manage.managed import Managed
from thunderagent.adapters.gateway.manage.worker_url import Resolve, resolve
from thunderagent.errors import RequestProblem

logger = logging.getLogger(__name__)

FOR_CLIENTS = (*health.ENDPOINTS, *release.ENDPOINTS, *tools.ENDPOINTS, *weight_sync.ENDPOINTS, *openapi.ENDPOINTS)
"""What agents, trainers and load balancers need: also on the port of the API where management has one of its own."""

ENDPOINTS = (
    *FOR_CLIENTS,
    *programs.ENDPOINTS,
    *dashboard.ENDPOINTS,
    *live.ENDPOINTS,
    *profiles.ENDPOINTS,
    *prometheus.ENDPOINTS,
    *backends.ENDPOINTS,
    *workers.ENDPOINTS,
)

CLIENT_CLOSED_REQUEST = 499
"""Nobody reads it."""


class Settings(Protocol):
    """Of ``GatewaySettings``."""

    @property
    def api_keys(self) -> tuple[str, ...]: ...

    @property
    def admin_keys(self) -> tuple[str, ...]: ...

    @property
    def metrics(self) -> bool: ...

    @property
    def router_for(self) -> str | None: ...


def management(
    gateway: Managed,
    settings: Settings,
    *,
    endpoints: Iterable[Endpoint] = ENDPOINTS,
    access: Access | None = None,
    resolve: Resolve = resolve,
) -> Starlette:
    """The application; ``serves`` tells which paths are its own.

    Args:
        gateway: what is managed.
        settings: their keys, and whether there is ``GET /metrics``.
        endpoints: all, or those that one port offers.
        access: who may what, if that does not follow from the keys in ``settings``.
        resolve: finds the addresses of the names of new engines.
    """
    endpoints = tuple(e for e in endpoints if settings.metrics or e not in prometheus.ENDPOINTS)
    if settings.router_for is not None:  # what its clients ask of it takes the place of our own
        endpoints = (*(e for e in endpoints if not e.path.startswith("/workers")), *slime_router.ENDPOINTS)
    access = access or Access(Keys(settings.api_keys), Keys(settings.admin_keys))
    by_path: dict[str, dict[str, Endpoint]] = {}
    for endpoint in endpoints:
        by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    routes = [Route(path, _answering(gateway, access, methods), methods=list(methods)) for path, methods in by_path.items()]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _http_exception})
    app.router.redirect_slashes = False  # a redirect would leave a client's body behind
    app.state.access, app.state.resolve, app.state.metrics_enabled = access, resolve, settings.metrics
    app.state.feed = live.Feed(gateway)
    app.state.registry = prometheus.registry_of(gateway)
    app.state.document = openapi.document(endpoints)
    return app


def serves(path: str, endpoints: Iterable[Endpoint] = ENDPOINTS) -> bool:
    """Whether a path, as ASGI gives it, is one of these endpoints'; all other paths are the engines'."""
    return any(_pattern(endpoint.path).match(path) for endpoint in endpoints)


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return compile_path(path)[0]


def _answering(gateway: Managed, access: Access, methods: dict[str, Endpoint]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        endpoint = methods["GET" if request.method == "HEAD" else request.method]
        try:
            access.check(endpoint.need, request.scope["headers"])
            return await endpoint.handler(gateway, request)
        except RequestProblem as problem:
            return as_problem(problem, {"www-authenticate": "Bearer"} if problem.status == 401 else None)
        except ClientDisconnect:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        except Exception:
            logger.exception("%s %s failed", endpoint.method, endpoint.path)
            return as_problem(RequestProblem(500, "internal_error", "the gateway failed; its log says why"))

    return answer


async def _http_exception(request: Request, error: Exception) -> Response:
    """What Starlette's routing refuses."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        allowed = ", ".join(sorted((error.headers or {})["Allow"].split(", ")))
        problem = RequestProblem(405, "method_not_allowed", f"this endpoint takes {allowed}")
        return as_problem(problem, {"allow": allowed})
    return as_problem(RequestProblem(error.status_code, "not_found", "there is no such endpoint"))
