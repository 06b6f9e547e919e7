"""An orchestrator: a model whose tools are a search, a code interpreter and a stronger model, all of them one program."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from openai import AsyncOpenAI

from thunderagent.client import Program, Sandbox

MOST_TURNS = 20
CODE_TIMEOUT_S = 60.0
SYSTEM = (
    "You answer questions with the help of tools: look facts up, compute with code, and have the result checked by the expert."
)
EXPERT = "You check answers. Say 'right', or what is wrong."


def _tool(name: str, description: str, argument: str) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {argument: {"type": "string"}}, "required": [argument]}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


TOOLS: Any = [
    _tool("search", "The passages that fit a query best.", "query"),
    _tool("python", "Run a program; answers what it prints.", "code"),
    _tool("expert", "Ask a stronger model, which sees nothing but the question.", "question"),
]


@dataclass(frozen=True)
class Model:
    """One, and how it is reached."""

    client: AsyncOpenAI
    name: str


@dataclass(frozen=True)
class Orchestrator:
    """One run."""

    own: Model
    expert: Model
    """May be behind another gateway: each has the room of its own engines to give."""
    program: Program
    sandbox: Sandbox
    search: Callable[[str], str]

    async def run(self, question: str) -> str:
        """The last message."""
        messages: list[Any] = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
        for _ in range(MOST_TURNS):
            message = await self._said_by(self.own, messages, tools=TOOLS)
            messages.append(message)
            if not message.get("tool_calls"):
                return str(message.get("content") or "")
            for call in message["tool_calls"]:
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": await self._result(call["function"])})
        return "I have run out of turns."

    async def _said_by(self, model: Model, messages: list[Any], **more: Any) -> dict[str, Any]:
        completion = await model.client.chat.completions.create(
            model=model.name, messages=messages, extra_body=self.program.extra_body, **more
        )
        message: dict[str, Any] = completion.choices[0].message.model_dump(exclude_none=True)
        return message

    async def _result(self, function: dict[str, Any]) -> str:
        try:
            arguments = json.loads(function["arguments"] or "{}")
            match function["name"]:
                case "search":
                    return self.search(arguments["query"])
                case "python":
                    code = {"CODE": arguments["code"]}
                    output = await self.sandbox.execute('python3 -c "$CODE"', environment=code, timeout_s=CODE_TIMEOUT_S)
                    return output.text
                case "expert":
                    asked = [{"role": "system", "content": EXPERT}, {"role": "user", "content": arguments["question"]}]
                    return str((await self._said_by(self.expert, asked)).get("content") or "")
                case name:
                    return f"error: there is no tool {name}"
        except (KeyError, TypeError, ValueError) as error:  # the model's mistake, which it is told
            return f"error: {error!r}"
