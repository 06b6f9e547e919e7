"""OpenAI's chat completions, whole or as server-sent events.

Whole answers, and the usage chunk of streams, carry one field more: `timing`, see `Service.timing`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from thunderagent.adapters.engines.simulated import tool_calls
from thunderagent.adapters.engines.simulated.service import Job, Service
from thunderagent.adapters.engines.simulated.sse import EventStream
from thunderagent.adapters.engines.simulated.tool_calls import ToolCall
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
            service.chat(body.messages, body.tools),
            prompt_field="messages",
            max_tokens=body.max_completion_tokens or body.max_tokens,
            cache_salt=body.cache_salt,
            request_id=body.request_id,
            stream=body.stream,
        ) as job:
            if body.stream:
                return await self._stream(request, job, body)
            return await self._whole(job, calls=bool(body.tools))

    async def _whole(self, job: Job, *, calls: bool) -> web.Response:
        service = self._service
        record = await job.generation.done
        content, called = tool_calls.parsed(service.text(job)) if calls else (service.text(job), [])
        message: dict[str, Any] = {"role": "assistant", "content": content}
        if called:
            message = message | {"content": content or None, "tool_calls": _calls(job, called)}
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": "tool_calls" if called else job.finish_reason(record),
        }
        return json_response(
            self._envelope(job, "chat.completion")
            | {"choices": [choice], "usage": service.usage(job, record), "timing": service.timing(record)}
        )

    async def _stream(self, request: web.Request, job: Job, body: ChatRequest) -> web.StreamResponse:
        service = self._service
        envelope = self._envelope(job, "chat.completion.chunk")
        events = EventStream()
        await events.open(request)

        def choice(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
            return envelope | {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}]}

        first, said, sent_characters = True, "", 0
        async for text in service.texts(job):
            if first:
                await events.send(choice({"role": "assistant", "content": ""}))
                first = False
            said += text
            shown = (tool_calls.shown(said) if body.tools else said)[sent_characters:]
            sent_characters += len(shown)
            if shown:
                await events.send(choice({"content": shown}))
        record = await job.generation.done
        content, called = tool_calls.parsed(said) if body.tools else (said, [])
        if rest := content[sent_characters:]:  # what might have become a call
            await events.send(choice({"content": rest}))
        for call in _calls(job, called, indexed=True):
            function = call.pop("function")
            await events.send(choice({"tool_calls": [call | {"function": function | {"arguments": ""}}]}))
            arguments = {"index": call["index"], "function": {"arguments": function["arguments"]}}
            await events.send(choice({"tool_calls": [arguments]}))
        await events.send(choice({}, "tool_calls" if called else job.finish_reason(record)))
        if body.include_usage:
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


def _calls(job: Job, calls: Sequence[ToolCall], *, indexed: bool = False) -> list[dict[str, Any]]:
    """As OpenAI's API has them; ``indexed``: in a stream."""
    return [
        ({"index": index} if indexed else {})
        | {
            "id": f"call_{job.generation.request_id}_{index}",
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments_json()},
        }
        for index, call in enumerate(calls)
    ]
