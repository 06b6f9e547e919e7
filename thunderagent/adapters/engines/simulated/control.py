"""What vLLM answers besides generating: metrics, sessions, pausing, the prefix cache and weight updates."""

from __future__ import annotations

import orjson
from aiohttp import web

from thunderagent.adapters.engines.simulated.errors import ApiError
from thunderagent.adapters.engines.simulated.metrics import render_metrics
from thunderagent.adapters.engines.simulated.service import Service
from thunderagent.adapters.engines.simulated.wire import AbortRequests, json_response, read_body

# What RemoteInferenceClient calls around a weight update; there are no weights, so success is all there is to say.
NO_OPERATIONS = ("/sleep", "/wake_up", "/init_weight_transfer_engine", "/update_weights", "/collective_rpc")


class ControlEndpoints:
    """Handlers of the control plane."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._driver = service.driver

    def routes(self) -> list[web.RouteDef]:
        """All its routes."""
        return [
            web.get("/get_server_info", self._server_info),
            web.get("/get_world_size", self._world_size),
            web.get("/load", self._load),
            web.get("/metrics", self._metrics),
            web.post("/finish_session", self._finish_session),
            web.post("/abort_requests", self._abort_requests),
            web.post("/pause", self._pause),
            web.post("/resume", self._resume),
            web.get("/is_paused", self._is_paused),
            web.post("/reset_prefix_cache", self._reset_prefix_cache),
            *(web.post(path, self._nothing) for path in NO_OPERATIONS),
        ]

    async def _server_info(self, request: web.Request) -> web.Response:
        spec = self._driver.engine.spec
        return json_response(
            {
                "world_size": 1,
                "model_name": self._service.model_name,
                "max_model_len": self._service.max_model_len_tokens,
                "kv_capacity_tokens": spec.usable_tokens,
                "time_scale": self._driver.time_scale,
            }
        )

    async def _world_size(self, request: web.Request) -> web.Response:
        return json_response({"world_size": 1})

    async def _load(self, request: web.Request) -> web.Response:
        return json_response({"server_load": self._driver.unfinished})

    async def _metrics(self, request: web.Request) -> web.Response:
        text = render_metrics(self._driver.engine, self._service.model_name)
        return web.Response(text=text, content_type="text/plain", charset="utf-8")

    async def _finish_session(self, request: web.Request) -> web.Response:
        # Meant for routers; an engine keeps no sessions.
        if not request.query.get("session_id"):
            raise ApiError("session_id is missing from the query", param="session_id")
        return json_response({})

    async def _abort_requests(self, request: web.Request) -> web.Response:
        for request_id in (await read_body(request, AbortRequests)).request_ids:
            self._driver.abort(request_id)
        return json_response({})

    async def _pause(self, request: web.Request) -> web.Response:
        # vLLM's defaults.
        mode = request.query.get("mode", "abort")
        clear_cache = _flag(request, "clear_cache", default=True)
        match mode:
            case "keep":
                self._driver.pause_keeping()
            case "abort":
                self._driver.pause_aborting()
            case "wait":
                await self._driver.pause_draining()
            case _:
                raise ApiError(f"mode is {mode!r}, it must be 'abort', 'wait' or 'keep'", param="mode")
        # A resume may have overtaken a pause that waits.
        if clear_cache and self._driver.paused:
            self._driver.engine.reset_prefix_cache(recompute_running=True)
        return json_response({"status": "paused"})

    async def _resume(self, request: web.Request) -> web.Response:
        self._driver.resume()
        return json_response({"status": "resumed"})

    async def _is_paused(self, request: web.Request) -> web.Response:
        return json_response({"is_paused": self._driver.paused})

    async def _reset_prefix_cache(self, request: web.Request) -> web.Response:
        # vLLM reads the query, SkyRL's client sends a body.
        recompute_running = _flag(request, "reset_running_requests", default=False)
        if body := await request.read():
            try:
                parsed = orjson.loads(body)
            except orjson.JSONDecodeError as error:
                raise ApiError(f"the request body is not JSON: {error}") from error
            if isinstance(parsed, dict):
                recompute_running = bool(parsed.get("reset_running_requests", recompute_running))
        self._driver.engine.reset_prefix_cache(recompute_running=recompute_running)
        return json_response({})

    async def _nothing(self, request: web.Request) -> web.Response:
        return json_response({})


def _flag(request: web.Request, name: str, *, default: bool) -> bool:
    value = request.query.get(name, str(default)).lower()
    if value not in ("true", "false", "1", "0"):
        raise ApiError(f"{name} is {value!r}, it must be 'true' or 'false'", param=name)
    return value in ("true", "1")
