"""Anthropic's messages, as vLLM serves them: whole or as server-sent events. Texts only."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from thunderagent.adapters.engines.simulated.errors import ApiError
from thunderagent.adapters.engines.simulated.service import Job, Service
from thunderagent.adapters.engines.simulated.sse import EventStream
from thunderagent.adapters.engines.simulated.wire import MessagesRequest, json_response, read_body
from thunderagent.simulation import RequestRecord

STOP_REASONS = {"stop": "end_turn", "length": "max_tokens"}


class MessagesEndpoint:
    """Handler of /v1/messages."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def create(self, request: web.Request) -> web.StreamResponse:
        """Generate the assistant's next message."""
        try:
            return await self._create(request)
        except ApiError as error:
            return error.response(anthropic=True)

    async def _create(self, request: web.Request) -> web.StreamResponse:
        service = self._service
        body = await read_body(request, MessagesRequest)
        service.check_request(body.model, 1)
        with service.generating(
            request,
            service.chat(body.all_messages()),
            prompt_field="messages",
            max_tokens=body.max_tokens,
            cache_salt=body.cache_salt,
            request_id=None,
            stream=body.stream,
        ) as job:
            if body.stream:
                return await self._stream(request, job)
            record = await job.generation.done
            message = self._message(job, [{"type": "text", "text": service.text(job)}])
            return json_response(message | {**_stop(job, record), "usage": self._usage(job, record)})

    async def _stream(self, request: web.Request, job: Job) -> web.StreamResponse:
        service = self._service
        events = EventStream()
        await events.open(request)

        async def send(kind: str, **fields: Any) -> None:
            await events.send({"type": kind, **fields}, kind)

        # What was cached is not known yet, so all of the prompt counts; message_delta has the last word.
        usage = {"input_tokens": len(job.generation.prompt), "output_tokens": 0}
        await send("message_start", message=self._message(job, []) | {"usage": usage})
        await send("content_block_start", index=0, content_block={"type": "text", "text": ""})
        async for text in service.texts(job):
            if text:
                await send("content_block_delta", index=0, delta={"type": "text_delta", "text": text})
        record = await job.generation.done
        await send("content_block_stop", index=0)
        await send("message_delta", delta=_stop(job, record), usage=self._usage(job, record))
        await send("message_stop")
        return await events.close()

    def _message(self, job: Job, content: list[dict[str, str]]) -> dict[str, Any]:
        return {
            "id": f"chatcmpl-{job.generation.request_id}",
            "type": "message",
            "role": "assistant",
            "content": content,
            "model": self._service.model_name,
            "stop_reason": None,
            "stop_sequence": None,
        }

    def _usage(self, job: Job, record: RequestRecord | None) -> dict[str, int]:
        """What was cached is no part of ``input_tokens``."""
        cached = record.cached_tokens if record else 0
        return {
            "input_tokens": len(job.generation.prompt) - cached,
            "cache_read_input_tokens": cached,
            "output_tokens": len(job.generation.token_ids),
        }


def _stop(job: Job, record: RequestRecord | None) -> dict[str, str | None]:
    return {"stop_reason": STOP_REASONS.get(job.finish_reason(record)), "stop_sequence": None}
