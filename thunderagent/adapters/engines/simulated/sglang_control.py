"""What SGLang answers besides generating: its load, pausing, aborting, the cache and weight updates.

From the source of SGLang 0.5.23.
"""

from __future__ import annotations

from aiohttp import web

from thunderagent.adapters.engines.simulated.service import Service
from thunderagent.adapters.engines.simulated.sglang_pages import loads, metrics, model_info, server_info
from thunderagent.adapters.engines.simulated.wire import (
    SglangAbort,
    SglangPause,
    WeightUpdate,
    WeightVersion,
    json_response,
    read_body,
)

NO_OPERATIONS = (
    "/release_memory_occupation",
    "/resume_memory_occupation",
    "/init_weights_update_group",
    "/destroy_weights_update_group",
    "/post_process_weights",
    "/weights_checker",
    "/pull_weights",
)
"""What slime calls around a weight update; there are no weights, so success is all there is to say."""
WEIGHT_UPDATES = ("/update_weights_from_disk", "/update_weights_from_tensor", "/update_weights_from_distributed")


class SglangControlEndpoints:
    """Handlers of the control plane."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._driver = service.driver

    def routes(self) -> list[web.RouteDef]:
        """All its routes."""
        return [
            web.get("/v1/loads", self._loads),
            web.get("/metrics", self._metrics),
            *(web.get(path, self._server_info) for path in ("/server_info", "/get_server_info")),
            *(web.get(path, self._model_info) for path in ("/model_info", "/get_model_info", "/get_weight_version")),
            web.post("/abort_request", self._abort_request),
            web.post("/pause_generation", self._pause_generation),
            web.post("/continue_generation", self._continue_generation),
            web.get("/flush_cache", self._flush_cache),
            web.post("/flush_cache", self._flush_cache),
            web.post("/update_weight_version", self._update_weight_version),
            *(web.post(path, self._update_weights) for path in WEIGHT_UPDATES),
            *(web.post(path, self._nothing) for path in NO_OPERATIONS),
        ]

    async def _loads(self, request: web.Request) -> web.Response:
        return json_response(loads(self._driver.engine))

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(text=metrics(self._driver.engine, self._service.model_name), content_type="text/plain")

    async def _server_info(self, request: web.Request) -> web.Response:
        return json_response(server_info(self._service))

    async def _model_info(self, request: web.Request) -> web.Response:
        return json_response(model_info(self._service))

    async def _abort_request(self, request: web.Request) -> web.Response:
        body = await read_body(request, SglangAbort)
        if body.abort_all or body.rid:
            self._driver.abort_all("" if body.abort_all else body.rid or "")
        return web.Response()

    async def _pause_generation(self, request: web.Request) -> web.Response:
        """New requests wait in every mode; only `abort` leaves the engine itself running, with nothing to do."""
        mode = (await read_body(request, SglangPause)).mode
        self._driver.hold_arrivals()
        if mode == "abort":
            self._driver.abort_all()
        else:
            self._driver.pause_keeping()
        if mode == "retract":
            self._driver.engine.retract_running()
        return json_response({"message": "Generation paused successfully.", "status": "ok"})

    async def _continue_generation(self, request: web.Request) -> web.Response:
        self._driver.resume()
        return json_response({"message": "Generation continued successfully.", "status": "ok"})

    async def _flush_cache(self, request: web.Request) -> web.Response:
        if not self._flush():
            return web.Response(status=400, text="Flush cache failed.\n")
        return web.Response(text="Cache flushed.\n")

    async def _update_weight_version(self, request: web.Request) -> web.Response:
        body = await read_body(request, WeightVersion)
        if body.abort_all_requests:
            self._driver.abort_all()
        self._service.weight_version = body.new_version
        message = f"Weight version updated to {body.new_version}"
        return json_response({"success": True, "message": message, "new_version": body.new_version})

    async def _update_weights(self, request: web.Request) -> web.Response:
        body = await read_body(request, WeightUpdate)
        if body.abort_all_requests:
            self._driver.abort_all()
        if body.flush_cache and not self._flush():
            return web.json_response({"success": False, "message": "Cache flush failed after updating weights"}, status=400)
        if body.weight_version is not None:
            self._service.weight_version = body.weight_version
        return json_response({"success": True, "message": "Succeeded to update model weights.", "num_paused_requests": 0})

    async def _nothing(self, request: web.Request) -> web.Response:
        return json_response({"success": True})

    def _flush(self) -> bool:
        """Whether it could be: nothing may run, and nothing wait but for the end of a pause."""
        engine = self._driver.engine
        if engine.running or (engine.waiting and not self._driver.paused):
            return False
        engine.reset_prefix_cache()
        return True
