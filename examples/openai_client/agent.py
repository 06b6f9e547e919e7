"""An agent with OpenAI's client. It knows a base URL, a model, its tools, and one id for all of its turns."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from openai import AsyncOpenAI

MOST_TURNS = 30


@dataclass(frozen=True)
class Agent:
    """One run."""

    client: AsyncOpenAI
    model: str
    program_id: str
    functions: dict[str, Callable[..., str]]
    """What the model may call, by name."""
    definitions: Sequence[dict[str, Any]]
    """Name, description and parameters of each."""
    stream: bool = False

    async def run(self, system: str, task: str) -> str:
        """The last message. However it ends, the gateway is told, so that others get the room in the KV cache."""
        try:
            return await self._turns([{"role": "system", "content": system}, {"role": "user", "content": task}])
        finally:
            await self._release()

    async def _turns(self, messages: list[Any]) -> str:
        for _ in range(MOST_TURNS):
            message = await (self._streamed(messages) if self.stream else self._whole(messages))
            messages.append(message)
            if not message.get("tool_calls"):
                return str(message["content"] or "")
            for call in message["tool_calls"]:
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": self._result(call["function"])})
        return "I have run out of turns."

    async def _whole(self, messages: list[Any]) -> dict[str, Any]:
        completion = await self.client.chat.completions.create(messages=messages, **self._request())
        message: dict[str, Any] = completion.choices[0].message.model_dump(exclude_none=True)
        return message

    async def _streamed(self, messages: list[Any]) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": ""}
        calls: list[dict[str, Any]] = []
        async for chunk in await self.client.chat.completions.create(messages=messages, stream=True, **self._request()):
            for choice in chunk.choices:
                message["content"] += choice.delta.content or ""
                for part in choice.delta.tool_calls or ():
                    if part.function is None:
                        continue
                    if part.index == len(calls):
                        function = {"name": part.function.name, "arguments": ""}
                        calls.append({"id": part.id, "type": "function", "function": function})
                    calls[part.index]["function"]["arguments"] += part.function.arguments or ""
        return message | ({"tool_calls": calls} if calls else {})

    def _request(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "tools": [{"type": "function", "function": definition} for definition in self.definitions],
            "extra_body": {"program_id": self.program_id},  # the one line that makes it a turn of this agent
        }

    def _result(self, function: dict[str, Any]) -> str:
        try:
            return self.functions[function["name"]](**json.loads(function["arguments"] or "{}"))
        except (KeyError, TypeError, ValueError) as error:  # the model's mistake, which it is told
            return f"error: {error!r}"

    async def _release(self) -> None:
        url = str(self.client.base_url).rstrip("/").removesuffix("/v1")
        headers = {"authorization": f"Bearer {self.client.api_key}"}
        async with httpx.AsyncClient(headers=headers) as http:
            await http.post(f"{url}/programs/release", json={"program_id": self.program_id})
