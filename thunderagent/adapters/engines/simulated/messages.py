"""Anthropic's messages, as vLLM serves them: whole or as server-sent events: texts, and calls of tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from thunderagent.adapters.engines.simulated import tool_calls
from thunderagent.adapters.engines.simulated.errors import ApiError
from thunderagent.adapters.engines.simulated.service import Job, Service
from thunderagent.adapters.engines.simulated.sse import EventStream
from thunderagent.adapters.engines.simulated.tool_calls import ToolCall
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
            service.chat(body.all_messages(), body.tools),
            prompt_field="messages",
            max_tokens=body.max_tokens,
            cache_salt=body.cache_salt,
            request_id=None,
            stream=body.stream,
        ) as job:
            if body.stream:
                return await self._stream(request, job, body)
            record = await job.generation.done
            text, called = tool_calls.parsed(service.text(job)) if body.tools else (service.text(job), [])
            blocks = [{"type": "text", "text": text}] if text or not called else []
            message = self._message(job, blocks + _uses(job, called))
            return json_response(message | {**_stop(job, record, called), "usage": self._usage(job, record)})

    async def _stream(self, request: web.Request, job: Job, body: MessagesRequest) -> web.StreamResponse:
        service = self._service
        events = EventStream()
        await events.open(request)

        async def send(kind: str, **fields: Any) -> None:
            await events.send({"type": kind, **fields}, kind)

        # What was cached is not known yet, so all of the prompt counts; message_delta has the last word.
        usage = {"input_tokens": len(job.generation.prompt), "output_tokens": 0}
        await send("message_start", message=self._message(job, []) | {"usage": usage})
        await send("content_block_start", index=0, content_block={"type": "text", "text": ""})
        said, sent_characters = "", 0
        async for text in service.texts(job):
            said += text
            shown = (tool_calls.shown(said) if body.tools else said)[sent_characters:]
            sent_characters += len(shown)
            if shown:
                await send("content_block_delta", index=0, delta={"type": "text_delta", "text": shown})
        record = await job.generation.done
        whole, called = tool_calls.parsed(said) if body.tools else (said, [])
        if rest := whole[sent_characters:]:  # what might have become a call
            await send("content_block_delta", index=0, delta={"type": "text_delta", "text": rest})
        await send("content_block_stop", index=0)
        for index, use in enumerate(_uses(job, called), start=1):
            await send("content_block_start", index=index, content_block=use | {"input": {}})
            delta = {"type": "input_json_delta", "partial_json": called[index - 1].arguments_json()}
            await send("content_block_delta", index=index, delta=delta)
            await send("content_block_stop", index=index)
        await send("message_delta", delta=_stop(job, record, called), usage=self._usage(job, record))
        await send("message_stop")
        return await events.close()

    def _message(self, job: Job, content: list[dict[str, Any]]) -> dict[str, Any]:
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


def _uses(job: Job, calls: Sequence[ToolCall]) -> list[dict[str, Any]]:
    """As Anthropic's API has them."""
    return [
        {"type": "tool_use", "id": f"toolu_{job.generation.request_id}_{index}", "name": call.name, "input": call.arguments}
        for index, call in enumerate(calls)
    ]


def _stop(job: Job, record: RequestRecord | None, calls: Sequence[ToolCall]) -> dict[str, str | None]:
    return {"stop_reason": "tool_use" if calls else STOP_REASONS.get(job.finish_reason(record)), "stop_sequence": None}
