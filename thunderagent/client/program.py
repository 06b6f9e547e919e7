"""A program and its sandboxes, for whoever writes an agent on asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Self, Unpack

from thunderagent.client.http import HttpTools
from thunderagent.client.local import LocalTools
from thunderagent.client.tools import Tools, Wanted
from thunderagent.errors import SandboxError, SandboxGone
from thunderagent.runtime import Runtime
from thunderagent.runtime.tools import Command, HeldSandbox, Output, SandboxView, ToolHost

logger = logging.getLogger(__name__)
RELEASE_TIMEOUT_S = 10.0
"""Of the release at the end of a block, which happens on every way out: a gateway that hangs forgets the program later."""


class Sandbox:
    """One that the program has."""

    def __init__(self, tools: Tools, held: HeldSandbox) -> None:
        self._tools = tools
        self.id = held.id
        self.reused = held.reused
        """Whether it was there already."""
        self.waited_s = held.waited_s
        """That the program waited for it."""

    async def execute(
        self, command: str, *, workdir: str = "", environment: Mapping[str, str] | None = None, timeout_s: float | None = None
    ) -> Output:
        """Run a command by a shell of the sandbox. A task that is cancelled meanwhile ends the command too.

        Args:
            command: as the shell reads it.
            workdir: where; empty: the sandbox's own.
            environment: variables beside the sandbox's own.
            timeout_s: after so long it is killed, and its exit code is None; None: it may take any time.

        Raises:
            SandboxGone: the sandbox is not there any more.
            SandboxProblem: what runs sandboxes failed, or the gateway does not answer.
        """
        return await self._tools.execute(self.id, Command(command, workdir, environment or {}, timeout_s))

    async def give_back(self) -> None:
        """The program is done with it before it is over.

        Raises:
            SandboxGone: it is not there any more.
        """
        await self._tools.give_back(self.id)


class BaseProgram:
    """Released when its block is left, on every way out."""

    def __init__(self, program_id: str, tools: Tools) -> None:
        self.id, self._tools = program_id, tools

    @property
    def extra_body(self) -> dict[str, Any]:
        """For OpenAI's clients: ``create(..., extra_body=program.extra_body)`` makes a request a turn of this program."""
        return {"program_id": self.id}

    async def prepare(self, **wanted: Unpack[Wanted]) -> None:
        """One sandbox like this will be asked for: it is prepared as soon as there is room, by when the program will run.

        Raises:
            SandboxError: it cannot be asked for.
        """
        await self._tools.prepare(wanted)

    async def acquire(self, **wanted: Unpack[Wanted]) -> Sandbox:
        """One sandbox, once it is ready: one that was prepared for this program, if there is one like this.

        Raises:
            SandboxRefused: there will be none.
            SandboxProblem: the gateway does not answer.
        """
        return Sandbox(self._tools, await self._tools.acquire(wanted))

    @contextlib.asynccontextmanager
    async def sandbox(self, **wanted: Unpack[Wanted]) -> AsyncIterator[Sandbox]:
        """The same, given back at the end of the block.

        Raises:
            SandboxRefused: there will be none.
            SandboxProblem: the gateway does not answer.
        """
        sandbox = await self.acquire(**wanted)
        try:
            yield sandbox
        finally:
            with contextlib.suppress(SandboxGone):
                await sandbox.give_back()

    async def attach(self, name: str) -> Sandbox:
        """A running container that somebody else has made is the program's from now on, and is removed with it.

        Raises:
            SandboxGone: there is none of this id or name, or it is another program's.
            SandboxProblem: the container engine failed, or the gateway does not answer.
        """
        return Sandbox(self._tools, HeldSandbox(await self._tools.attach(name), self.id, False, 0.0))

    async def port(self) -> int:
        """One that no other program has, until this one is over.

        Raises:
            SandboxRefused: all are taken.
        """
        return await self._tools.lease_port()

    async def sandboxes(self) -> list[SandboxView]:
        """What it has and will have, in order of asking."""
        return await self._tools.sandboxes()

    async def release(self) -> None:
        """It is over, and all that it has goes. Twice is no error.

        Raises:
            SandboxProblem: the gateway does not answer.
        """
        await self._tools.release()

    async def disconnect(self) -> None:
        """Let go of connections; the program goes on, and the next call connects again."""
        await self._tools.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            async with asyncio.timeout(RELEASE_TIMEOUT_S):
                await self.release()
        except (SandboxError, TimeoutError) as problem:
            logger.warning("program %s could not be released, and is forgotten later: %s", self.id, problem or "no answer")
        finally:
            await self._tools.close()


class Program(BaseProgram):
    """A program of a gateway."""

    def __init__(self, program_id: str, url: str, api_key: str | None = None) -> None:
        """Connects with the first call.

        Args:
            program_id: 1 to 256 printable characters; the same as in its turns.
            url: of the gateway, such as http://localhost:8300.
            api_key: if the gateway wants one.
        """
        super().__init__(program_id, HttpTools(program_id, url, api_key))


class LocalProgram(BaseProgram):
    """A program in the process that has the sandboxes, on its loop."""

    def __init__(self, program_id: str, host: ToolHost, runtime: Runtime | None = None) -> None:
        """``runtime``: where the program has its turns; None: it has none."""
        super().__init__(program_id, LocalTools(program_id, host, runtime))
