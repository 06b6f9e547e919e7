"""The same for agents that block: in threads, or in a process of their own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self, Unpack

from thunderagent.client.program import BaseProgram, Program, Sandbox
from thunderagent.client.tools import Wanted
from thunderagent.errors import SandboxGone
from thunderagent.runtime.tools import Output, SandboxView
from thunderagent.runtime.tools.from_threads import wait_on


class SyncSandbox:
    """One that the program has (``Sandbox``, without ``await``)."""

    def __init__(self, sandbox: Sandbox, loop: asyncio.AbstractEventLoop) -> None:
        self._sandbox, self._loop = sandbox, loop
        self.id, self.reused, self.waited_s = sandbox.id, sandbox.reused, sandbox.waited_s

    def execute(
        self, command: str, *, workdir: str = "", environment: Mapping[str, str] | None = None, timeout_s: float | None = None
    ) -> Output:
        """See ``Sandbox.execute``."""
        running = self._sandbox.execute(command, workdir=workdir, environment=environment, timeout_s=timeout_s)
        return wait_on(running, self._loop)

    def give_back(self) -> None:
        """See ``Sandbox.give_back``."""
        wait_on(self._sandbox.give_back(), self._loop)


class SyncProgram:
    """A program of a gateway (``Program``, without ``await``), for any thread but that of an event loop."""

    def __init__(
        self,
        program_id: str,
        url: str = "",
        api_key: str | None = None,
        *,
        of: tuple[BaseProgram, asyncio.AbstractEventLoop] | None = None,
    ) -> None:
        """The arguments are those of ``Program``. ``of``: a program that there is, such as a local one, and its loop."""
        self._program, self._loop = of or (Program(program_id, url, api_key), _own_loop())
        self.id, self.extra_body = self._program.id, self._program.extra_body

    def prepare(self, **wanted: Unpack[Wanted]) -> None:
        """See ``Program.prepare``."""
        wait_on(self._program.prepare(**wanted), self._loop)

    def acquire(self, **wanted: Unpack[Wanted]) -> SyncSandbox:
        """See ``Program.acquire``."""
        return SyncSandbox(wait_on(self._program.acquire(**wanted), self._loop), self._loop)

    @contextlib.contextmanager
    def sandbox(self, **wanted: Unpack[Wanted]) -> Iterator[SyncSandbox]:
        """See ``Program.sandbox``."""
        sandbox = self.acquire(**wanted)
        try:
            yield sandbox
        finally:
            with contextlib.suppress(SandboxGone):
                sandbox.give_back()

    def attach(self, name: str) -> SyncSandbox:
        """See ``Program.attach``."""
        return SyncSandbox(wait_on(self._program.attach(name), self._loop), self._loop)

    def port(self) -> int:
        """See ``Program.port``."""
        return wait_on(self._program.port(), self._loop)

    def sandboxes(self) -> list[SandboxView]:
        """See ``Program.sandboxes``."""
        return wait_on(self._program.sandboxes(), self._loop)

    def release(self) -> None:
        """See ``Program.release``."""
        wait_on(self._program.release(), self._loop)

    def disconnect(self) -> None:
        """See ``Program.disconnect``."""
        wait_on(self._program.disconnect(), self._loop)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        wait_on(self._program.__aexit__(kind, error, traceback), self._loop)

    def close(self) -> None:
        """As at the end of a block."""
        self.__exit__(None, None, None)


_LOOPS: dict[int, asyncio.AbstractEventLoop] = {}
"""By process: one that was forked gets its own."""
_ONE_AT_A_TIME = threading.Lock()


def _own_loop() -> asyncio.AbstractEventLoop:
    """One for all programs of this process, in a thread that ends with it."""
    with _ONE_AT_A_TIME:
        loop = _LOOPS.get(os.getpid())
        if loop is None:
            loop = _LOOPS[os.getpid()] = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="thunderagent-client", daemon=True).start()
        return loop
