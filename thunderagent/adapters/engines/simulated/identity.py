"""What engines of either dialect answer: whether they are well, which model they serve, and what its tokens are."""

from __future__ import annotations

from aiohttp import web

from thunderagent.adapters.engines.simulated.errors import ApiError
from thunderagent.adapters.engines.simulated.service import Service
from thunderagent.adapters.engines.simulated.wire import DetokenizeRequest, TokenizeRequest, json_response, read_body


class IdentityEndpoints:
    """Handlers of what is the same in both dialects."""

    def __init__(self, service: Service, owner: str) -> None:
        """`owner`: who serves, as the list of models tells."""
        self._service = service
        self._owner = owner

    def routes(self) -> list[web.RouteDef]:
        """All its routes."""
        return [
            web.get("/health", self._health),
            web.get("/health_generate", self._health),
            web.get("/v1/models", self._models),
            web.post("/tokenize", self._tokenize),
            web.post("/detokenize", self._detokenize),
        ]

    async def _health(self, request: web.Request) -> web.Response:
        if self._service.driver.failed:
            raise ApiError("the simulated engine has stopped", status=503)
        return web.Response()

    async def _models(self, request: web.Request) -> web.Response:
        service = self._service
        model = {
            "id": service.model_name,
            "object": "model",
            "created": 0,
            "owned_by": self._owner,
            "max_model_len": service.max_model_len_tokens,
        }
        return json_response({"object": "list", "data": [model]})

    async def _tokenize(self, request: web.Request) -> web.Response:
        tokens = self._service.tokenizer.encode((await read_body(request, TokenizeRequest)).prompt)
        return json_response({"tokens": tokens, "count": len(tokens), "max_model_len": self._service.max_model_len_tokens})

    async def _detokenize(self, request: web.Request) -> web.Response:
        body = await read_body(request, DetokenizeRequest)
        return json_response({"prompt": self._service.tokenizer.decode(body.tokens)})
