"""An agent with Anthropic's client. It knows a base URL, a model, its tools, and one id for all of its turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from anthropic import AsyncAnthropic
from anthropic.types import Message, ToolUseBlock

MOST_TURNS = 30
MAX_TOKENS = 2_000
"""Of each answer."""


@dataclass(frozen=True)
class Agent:
    """One run."""

    client: AsyncAnthropic
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
            return await self._turns(system, [{"role": "user", "content": task}])
        finally:
            await self._release()

    async def _turns(self, system: str, messages: list[Any]) -> str:
        for _ in range(MOST_TURNS):
            message = await self._turn(system, messages)
            messages.append({"role": "assistant", "content": message.content})
            if message.stop_reason != "tool_use":
                return "".join(block.text for block in message.content if block.type == "text")
            results = [self._result(block) for block in message.content if block.type == "tool_use"]
            messages.append({"role": "user", "content": results})
        return "I have run out of turns."

    async def _turn(self, system: str, messages: list[Any]) -> Message:
        request: dict[str, Any] = {
            "model": self.model,
            "max_tokens": MAX_TOKENS,
            "system": system,
            "messages": messages,
            "tools": [
                {"name": its["name"], "description": its["description"], "input_schema": its["parameters"]}
                for its in self.definitions
            ],
            "extra_body": {"program_id": self.program_id},  # the one line that makes it a turn of this agent
        }
        if not self.stream:
            message: Message = await self.client.messages.create(**request)
            return message
        async with self.client.messages.stream(**request) as stream:
            return await stream.get_final_message()

    def _result(self, block: ToolUseBlock) -> dict[str, Any]:
        try:
            content = self.functions[block.name](**block.input)
        except (KeyError, TypeError, ValueError) as error:  # the model's mistake, which it is told
            return {"type": "tool_result", "tool_use_id": block.id, "content": f"error: {error!r}", "is_error": True}
        return {"type": "tool_result", "tool_use_id": block.id, "content": content}

    async def _release(self) -> None:
        headers = {"x-api-key": self.client.api_key or "none"}
        async with httpx.AsyncClient(base_url=str(self.client.base_url), headers=headers) as http:
            await http.post("/programs/release", json={"program_id": self.program_id})
