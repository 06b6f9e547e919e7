"""Failures as OpenAI-shaped JSON."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import orjson
from aiohttp import web

logger = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ApiError(Exception):
    """A request that is refused, by default with 400."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None, status: int = 400) -> None:
        """`param` names the field at fault, `code` is OpenAI's machine-readable reason."""
        super().__init__(message)
        self.param = param
        self.code = code
        self.status = status

    def response(self, *, anthropic: bool = False) -> web.Response:
        """The error as OpenAI's clients expect it, or Anthropic's."""
        kind = "internal_error" if self.status >= 500 else "invalid_request_error"
        if anthropic:
            body = orjson.dumps({"type": "error", "error": {"type": kind, "message": str(self)}})
        else:
            error = {"message": str(self), "type": kind, "param": self.param, "code": self.code}
            body = orjson.dumps({"error": error})
        return web.Response(status=self.status, body=body, content_type="application/json")


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every failure of a handler in OpenAI's shape."""
    try:
        return await handler(request)
    except ApiError as error:
        return error.response()
    except web.HTTPException as error:
        return ApiError(f"{request.method} {request.path}: {error.reason}", status=error.status).response()
    except Exception as error:
        logger.exception("%s %s failed", request.method, request.path)
        return ApiError(f"{type(error).__name__}: {error}", status=500).response()
