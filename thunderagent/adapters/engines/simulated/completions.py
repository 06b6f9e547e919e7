"""OpenAI's completions of one prompt, which is text or token ids, whole or as server-sent events."""

from __future__ import annotations

import time
from typing import Any

from aiohttp import web

from thunderagent.adapters.engines.simulated.service import Job, Service
from thunderagent.adapters.engines.simulated.sse import EventStream
from thunderagent.adapters.engines.simulated.wire import CompletionRequest, json_response, read_body


class CompletionsEndpoint:
    """Handler of /v1/completions."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Generate what comes after the prompt."""
        service = self._service
        body = await read_body(request, CompletionRequest)
        service.check_request(body.model, body.n)
        with service.generating(
            request,
            body.one_prompt(),
            prompt_field="prompt",
            max_tokens=body.max_tokens,
            cache_salt=body.cache_salt,
            request_id=body.request_id,
            stream=body.stream,
        ) as job:
            if body.stream:
                return await self._stream(request, job, body.include_usage)
            record = await job.generation.done
            choice = _choice(service.text(job), job.finish_reason(record))
            return json_response(self._envelope(job) | {"choices": [choice], "usage": service.usage(job, record)})

    async def _stream(self, request: web.Request, job: Job, include_usage: bool) -> web.StreamResponse:
        service = self._service
        envelope = self._envelope(job)
        events = EventStream()
        await events.open(request)
        async for text in service.texts(job):
            if text:
                await events.send(envelope | {"choices": [_choice(text)]})
        record = await job.generation.done
        await events.send(envelope | {"choices": [_choice("", job.finish_reason(record))]})
        if include_usage:
            await events.send(envelope | {"choices": [], "usage": service.usage(job, record)})
        await events.send_done()
        return await events.close()

    def _envelope(self, job: Job) -> dict[str, Any]:
        return {
            "id": f"cmpl-{job.generation.request_id}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": self._service.model_name,
        }


def _choice(text: str, finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "text": text, "logprobs": None, "finish_reason": finish_reason, "stop_reason": None}
