"""Tokens in, tokens out: vLLM's /inference/v1/generate, which SkyRL uses.

The answer carries one field more than vLLM's: `timing`, see `Service.timing`.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from thunderagent.adapters.engines.simulated.service import Service
from thunderagent.adapters.engines.simulated.wire import GenerateRequest, json_response, read_body


class GenerateEndpoint:
    """Handler of the generate routes."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def generate(self, request: web.Request) -> web.Response:
        """Generate one completion of `token_ids`."""
        service = self._service
        body = await read_body(request, GenerateRequest)
        params = body.sampling_params
        service.check_request(body.model, params.n)
        with service.generating(
            request,
            body.token_ids,
            prompt_field="token_ids",
            max_tokens=params.max_tokens,
            cache_salt=body.cache_salt,
            request_id=body.request_id,
        ) as job:
            record = await job.generation.done
        token_ids = job.generation.token_ids
        choice: dict[str, Any] = {"index": 0, "token_ids": token_ids, "finish_reason": job.finish_reason(record)}
        choice["logprobs"] = None
        if params.logprobs is not None and params.logprobs is not False:
            choice["logprobs"] = {"content": [{"logprob": logprob} for logprob in service.made_up_logprobs(len(token_ids))]}
        return json_response(
            {
                "request_id": job.generation.request_id,
                "choices": [choice],
                "usage": service.usage(job, record),
                "timing": service.timing(record),
            }
        )
