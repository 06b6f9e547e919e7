"""``GET /dashboard``: a page that shows the gateway live. Its files hold no data and are open; ``GET /live`` asks for keys."""

from __future__ import annotations

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from thunderagent.adapters.gateway.access import Need
from thunderagent.adapters.gateway.manage.endpoint import Endpoint, Parameter
from thunderagent.adapters.gateway.manage.managed import Managed
from thunderagent.errors import RequestProblem

PAGE = "index.html"
MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
HEADERS = {
    # Only files of this gateway run and are asked, no text becomes markup, and no other site can frame or open the page.
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",  # another version of the gateway brings other files under the same names
}

_FILES = {
    entry.name: entry.read_bytes()
    for entry in files("thunderagent.adapters.gateway.dashboard").iterdir()
    if entry.name.rpartition(".")[2] in MEDIA_TYPES
}
"""Read once, when nothing is served yet."""


async def page(gateway: Managed, request: Request) -> Response:
    """For a browser. It takes ``?programs=`` and ``?interval_s=`` on to ``GET /live``."""
    return _file(PAGE)


async def file(gateway: Managed, request: Request) -> Response:
    """Its scripts, style and icon."""
    name: str = request.path_params["name"]
    if not name:  # /dashboard/, as people type it
        return Response(status_code=307, headers={"location": "../dashboard"})
    if name not in _FILES:
        raise RequestProblem(404, "not_found", "the dashboard has no such file")
    return _file(name)


def _file(name: str) -> Response:
    return Response(_FILES[name], headers={**HEADERS, "content-type": MEDIA_TYPES[name.rpartition(".")[2]]})


_NAME = Parameter("name", "Of the file.", {"type": "string", "enum": sorted(_FILES)}, required=True)

ENDPOINTS = (
    Endpoint("GET", "/dashboard", Need.NOTHING, page, "A page that shows the gateway live", {200: "text/html"}),
    Endpoint(
        *("GET", "/dashboard/{name:path}", Need.NOTHING, file, "Files of that page", {200: "*/*"}, (_NAME,)),
        problems={404: "There is no such file."},
    ),
)
