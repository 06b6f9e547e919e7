"""OpenAI's chat completions, whole or as server-sent events.

Whole answers, and the usage chunk of streams, carry one field more: `timing`, see `Service.timing`.
"""

from __future__ import annotations

import time
from typing import Any

from aiohttp import web

from thunderagent.adapters.engines.simulated.service import Job, Service
from thunderagent.adapters.engines.simulated.sse import EventStream
from thunderagent.adapters.engines.simulated.wire import ChatRequest, json_response, read_body


class ChatEndpoint:
    """Handler of /v1/chat/completions."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Generate the assistant's next message."""
        service = self._service
        body = await read_body(request, ChatRequest)
        service.check_request(body.model, body.n)
        with service.generating(
            request,
            service.chat(body.messages),
            prompt_field="messages",
            max_tokens=body.max_completion_tokens or body.max_tokens,
            cache_salt=body.cache_salt,
            request_id=body.request_id,
            stream=body.stream,
        ) as job:
            if body.stream:
                return await self._stream(request, job, body.include_usage)
            return await self._whole(job)

    async def _whole(self, job: Job) -> web.Response:
        service = self._service
        record = await job.generation.done
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": service.text(job)},
            "logprobs": None,
            "finish_reason": job.finish_reason(record),
        }
        return json_response(
            self._envelope(job, "chat.completion")
            | {"choices": [choice], "usage": service.usage(job, record), "timing": service.timing(record)}
        )

    async def _stream(self, request: web.Request, job: Job, include_usage: bool) -> web.StreamResponse:
        service = self._service
        envelope = self._envelope(job, "chat.completion.chunk")
        events = EventStream()
        await events.open(request)

        def choice(delta: dict[str, str], finish_reason: str | None = None) -> dict[str, Any]:
            return envelope | {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}]}

        first = True
        async for text in service.texts(job):
            if first:
                await events.send(choice({"role": "assistant", "content": ""}))
                first = False
            if text:
                await events.send(choice({"content": text}))
        record = await job.generation.done
        await events.send(choice({}, job.finish_reason(record)))
        if include_usage:
            await events.send(envelope | {"choices": [], "usage": service.usage(job, record), "timing": service.timing(record)})
        await events.send_done()
        return await events.close()

    def _envelope(self, job: Job, kind: str) -> dict[str, Any]:
        return {
            "id": f"chatcmpl-{job.generation.request_id}",
            "object": kind,
            "created": int(time.time()),
            "model": self._service.model_name,
        }
