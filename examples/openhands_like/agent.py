"""An agent with a shell, files, a browser and sub-agents, which are all one program with one sandbox."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from openai import AsyncOpenAI

from thunderagent.client import Program, Sandbox

MOST_TURNS = 30
COMMAND_TIMEOUT_S = 60.0
SYSTEM = "You are a software engineer in a project's folder. Use your tools; end with a message that calls none."
EDIT = """\
import fcntl, os
path, old, new = (os.environ[name] for name in ("FILE", "OLD", "NEW"))
with open(path, "r+") as file:
    fcntl.flock(file, fcntl.LOCK_EX)  # a colleague may edit it, too
    text = file.read()
    if text.count(old) != 1:
        raise SystemExit(f"the old text is there {text.count(old)} times, not once")
    file.seek(0)
    file.write(text.replace(old, new))
    file.truncate()
"""


def _tool(name: str, description: str, **properties: Any) -> dict[str, Any]:
    schemas = {key: {"type": "string"} if value is str else value for key, value in properties.items()}
    parameters = {"type": "object", "properties": schemas, "required": list(schemas)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


TOOLS = [
    _tool("bash", "Run a command in the project's folder.", command=str),
    _tool("view", "Show a file, with the numbers of its lines.", path=str),
    _tool("edit", "Replace a text that is in a file exactly once.", path=str, old=str, new=str),
    _tool("browse", "Read a page of the handbook, which begins with index.html.", page=str),
]
DELEGATE = _tool(
    "delegate",
    "Give each of several tasks to a colleague, who works in the same folder at the same time; answers their reports.",
    tasks={"type": "array", "items": {"type": "string"}},
)


@dataclass(frozen=True)
class Agent:
    """The main agent or one of its sub-agents."""

    client: AsyncOpenAI
    model: str
    program: Program
    sandbox: Sandbox
    main: bool = True
    counted: list[str] = field(default_factory=list)
    """A line for each sub-agent."""

    async def run(self, task: str) -> str:
        """The last message."""
        messages: list[Any] = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": task}]
        tools: Any = [*TOOLS, DELEGATE] if self.main else TOOLS
        for _ in range(MOST_TURNS):
            completion = await self.client.chat.completions.create(
                model=self.model, messages=messages, tools=tools, extra_body=self.program.extra_body
            )
            message = completion.choices[0].message.model_dump(exclude_none=True)
            messages.append(message)
            calls = message.get("tool_calls") or []
            if not calls:
                return str(message.get("content") or "")
            results = await asyncio.gather(*(self._result(call["function"]) for call in calls))
            for call, result in zip(calls, results, strict=True):
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
        return "I have run out of turns."

    async def _result(self, function: dict[str, Any]) -> str:
        does: dict[str, Callable[..., Awaitable[str]]] = {
            "bash": self._bash,
            "view": self._view,
            "edit": self._edit,
            "browse": self._browse,
            "delegate": self._delegate,
        }
        try:
            return await does[function["name"]](**json.loads(function["arguments"] or "{}"))
        except (KeyError, TypeError, ValueError) as error:  # the model's mistake, which it is told
            return f"error: {error!r}"

    async def _delegate(self, tasks: list[str]) -> str:
        """Several sub-agents at once. Their turns are turns of the same program: it has several in flight, and one account."""
        self.counted.extend(tasks)
        reports = await asyncio.gather(*(replace(self, main=False).run(task) for task in tasks))
        return "\n".join(f"Report on task {number}: {report}" for number, report in enumerate(reports, start=1))

    async def _bash(self, command: str, **environment: str) -> str:
        output = await self.sandbox.execute(command, environment=environment, timeout_s=COMMAND_TIMEOUT_S)
        return f"{output.text.strip()}\nexit code: {output.exit_code}"

    async def _view(self, path: str) -> str:
        return await self._bash('cat -n -- "$FILE"', FILE=path)

    async def _edit(self, path: str, old: str, new: str) -> str:
        return await self._bash('python3 -c "$EDIT"', EDIT=EDIT, FILE=path, OLD=old, NEW=new)

    async def _browse(self, page: str) -> str:
        html = await self._bash('cat -- "site/$PAGE"', PAGE=page)
        linked = re.sub(r'<a href="([^"]*)">(.*?)</a>', r"\2 [\1]", html)
        return re.sub(r"<[^>]+>", "", linked).strip()
