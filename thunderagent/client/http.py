"""Tools of a program over a gateway."""

from __future__ import annotations

from typing import Any

import aiohttp
from yarl import URL

from thunderagent.client import wire
from thunderagent.client.tools import Wanted, checked
from thunderagent.errors import SandboxProblem
from thunderagent.runtime.tools import Command, HeldSandbox, Output, SandboxView

CONNECT_TIMEOUT_S = 10.0
"""A gateway accepts at once; how long it takes to answer depends on what it is asked."""


class HttpTools:
    """One program of one gateway (``thunderagent.client.tools.Tools``)."""

    def __init__(self, program_id: str, url: str, api_key: str | None = None) -> None:
        """Connects with the first call."""
        self.program_id, self.url = program_id, wire.base_url(url)
        self._headers = {} if api_key is None else {"authorization": f"Bearer {api_key}"}
        self._session: aiohttp.ClientSession | None = None

    async def prepare(self, wanted: Wanted) -> None:
        """See ``Tools``, as for all."""
        await self._ask("POST", wire.tools_path(self.program_id), {**checked(wanted), "wait": False})

    async def acquire(self, wanted: Wanted) -> HeldSandbox:
        told = await self._ask("POST", wire.tools_path(self.program_id), checked(wanted))
        return HeldSandbox(told["sandbox_id"], self.program_id, told["reused"], told["waited_s"])

    async def attach(self, name: str) -> str:
        told = await self._ask("POST", wire.tools_path(self.program_id, "attach"), {"docker_ids": [name]})
        return str(told["sandbox_ids"][0])

    async def execute(self, sandbox_id: str, command: Command) -> Output:
        asked = {"command": command.line, "workdir": command.workdir, "environment": dict(command.environment)}
        path = wire.tools_path(self.program_id, sandbox_id, "exec")
        told = await self._ask("POST", path, {**asked, "timeout_s": command.timeout_s})
        return Output(told["output"], told["exit_code"], told["truncated"])

    async def give_back(self, sandbox_id: str) -> None:
        await self._ask("DELETE", wire.tools_path(self.program_id, sandbox_id))

    async def lease_port(self) -> int:
        return int((await self._ask("POST", wire.ports_path(self.program_id)))["port"])

    async def sandboxes(self) -> list[SandboxView]:
        told = await self._ask("GET", wire.tools_path(self.program_id))
        return [SandboxView(**view) for view in told["sandboxes"]]

    async def release(self) -> None:
        await self._ask("POST", wire.RELEASE, {"program_id": self.program_id})

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _ask(self, method: str, path: str, content: Any = None) -> Any:
        url = URL(self.url + path, encoded=True)
        try:
            async with self._connected().request(method, url, json=content) as answer:
                return wire.read(self.program_id, answer.status, answer.headers, await answer.read())
        except (aiohttp.ClientError, OSError) as error:
            raise SandboxProblem(f"the gateway at {self.url} does not answer: {error}") from None

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S)
            self._session = aiohttp.ClientSession(headers=self._headers, timeout=timeout)
        return self._session
