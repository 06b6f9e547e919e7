"""OpenAI's chat completions, whole or as server-sent events.

Whole answers, and the usage chunk of streams, carry one field more: `timing`, see `Service.timing`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import orjson
from aiohttp import web

from thunderagent.adapters.engines.simulated.service import Job, Service
from thunderagent.adapters.engines.simulated.tokenizer import TextStream
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
        prompt_text = service.tokenizer.apply_chat_template([(message.role, message.text()) for message in body.messages])
        with service.generating(
            request,
            service.tokenizer.encode(prompt_text),
            prompt_text=prompt_text,
            prompt_field="messages",
            max_tokens=body.max_completion_tokens or body.max_tokens,
            cache_salt=body.cache_salt,
            request_id=body.request_id,
            stream=body.stream,
        ) as job:
            if body.stream:
                include_usage = body.stream_options is not None and body.stream_options.include_usage
                return await self._stream(request, job, include_usage)
            return await self._whole(job)

    async def _whole(self, job: Job) -> web.Response:
        service = self._service
        record = await job.generation.done
        content = service.tokenizer.decode(self._without_end(job.generation.token_ids))
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": content},
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
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await response.prepare(request)

        async def send(chunk: dict[str, Any]) -> None:
            await response.write(b"data: " + orjson.dumps(envelope | chunk) + b"\n\n")

        def choice(delta: dict[str, str], finish_reason: str | None = None) -> dict[str, Any]:
            return {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}]}

        text = TextStream(service.tokenizer)
        first = True
        async for token_ids in job.generation.stream():
            if first:
                await send(choice({"role": "assistant", "content": ""}))
                first = False
            if delta := text.feed(self._without_end(token_ids)):
                await send(choice({"content": delta}))
        record = await job.generation.done
        rest = text.feed([], last=True)
        await send(choice({"content": rest} if rest else {}, job.finish_reason(record)))
        if include_usage:
            await send({"choices": [], "usage": service.usage(job, record), "timing": service.timing(record)})
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response

    def _envelope(self, job: Job, kind: str) -> dict[str, Any]:
        return {
            "id": f"chatcmpl-{job.generation.request_id}",
            "object": kind,
            "created": int(time.time()),
            "model": self._service.model_name,
        }

    def _without_end(self, token_ids: Sequence[int]) -> Sequence[int]:
        if token_ids and token_ids[-1] == self._service.tokenizer.eos_token_id:
            return token_ids[:-1]
        return token_ids
