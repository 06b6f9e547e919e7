"""OpenAI's responses, as vLLM serves them: whole or as server-sent events. Texts only, and nothing is stored."""

from __future__ import annotations

import time
from typing import Any

from aiohttp import web

from thunderagent.adapters.engines.simulated.service import Job, Service
from thunderagent.adapters.engines.simulated.sse import EventStream
from thunderagent.adapters.engines.simulated.wire import ResponsesRequest, json_response, read_body
from thunderagent.simulation import RequestRecord


class ResponsesEndpoint:
    """Handler of /v1/responses."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def create(self, request: web.Request) -> web.StreamResponse:
        """Generate the next message."""
        service = self._service
        body = await read_body(request, ResponsesRequest)
        service.check_request(body.model, 1)
        with service.generating(
            request,
            service.chat(body.all_messages()),
            prompt_field="input",
            max_tokens=body.max_output_tokens,
            cache_salt=body.cache_salt,
            request_id=body.request_id,
            stream=body.stream,
        ) as job:
            if body.stream:
                return await self._stream(request, job, body)
            record = await job.generation.done
            return json_response(self._finished(job, body, record))

    async def _stream(self, request: web.Request, job: Job, body: ResponsesRequest) -> web.StreamResponse:
        service, item_id = self._service, _item_id(job)
        events = EventStream()
        await events.open(request)
        sequence_number = 0

        async def send(kind: str, **fields: Any) -> None:
            nonlocal sequence_number
            await events.send({"type": f"response.{kind}", "sequence_number": sequence_number, **fields}, f"response.{kind}")
            sequence_number += 1

        begun = self._response(job, body, "in_progress")
        place = {"item_id": item_id, "output_index": 0, "content_index": 0}
        await send("created", response=begun)
        await send("in_progress", response=begun)
        await send("output_item.added", output_index=0, item=_item(item_id, "in_progress", []))
        await send("content_part.added", **place, part=_part(""))
        async for text in service.texts(job):
            if text:
                await send("output_text.delta", **place, delta=text, logprobs=[])
        record = await job.generation.done
        whole = service.text(job)
        await send("output_text.done", **place, text=whole, logprobs=[])
        await send("content_part.done", **place, part=_part(whole))
        await send("output_item.done", output_index=0, item=_item(item_id, "completed", [_part(whole)]))
        await send("completed", response=self._finished(job, body, record))
        return await events.close()

    def _finished(self, job: Job, body: ResponsesRequest, record: RequestRecord | None) -> dict[str, Any]:
        usage = self._service.usage(job, record)
        cached: int = usage["prompt_tokens_details"]["cached_tokens"]
        complete = job.finish_reason(record) == "stop"
        return self._response(job, body, "completed" if complete else "incomplete") | {
            "incomplete_details": None if complete else {"reason": "max_output_tokens"},
            "output": [_item(_item_id(job), "completed", [_part(self._service.text(job))])],
            "usage": {
                "input_tokens": usage["prompt_tokens"],
                "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
                "output_tokens": usage["completion_tokens"],
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": usage["total_tokens"],
            },
        }

    def _response(self, job: Job, body: ResponsesRequest, status: str) -> dict[str, Any]:
        return {
            "id": f"resp_{job.generation.request_id}",
            "object": "response",
            "created_at": int(time.time()),
            "model": self._service.model_name,
            "status": status,
            "instructions": body.instructions,
            "output": [],
            "usage": None,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
        }


def _item_id(job: Job) -> str:
    return f"msg_{job.generation.request_id}"


def _item(item_id: str, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": item_id, "type": "message", "role": "assistant", "status": status, "content": content}


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
