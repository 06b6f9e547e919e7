"""The host of sandboxes for code that blocks: environments in threads of their own, while the host's loop is another's."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from thunderagent.errors import SandboxError
from thunderagent.runtime.tools.backend import Command, Output, SandboxRequest
from thunderagent.runtime.tools.from_threads import wait_on
from thunderagent.runtime.tools.held import HeldSandbox
from thunderagent.runtime.tools.host import ToolHost

logger = logging.getLogger(__name__)


class BlockingTools:
    """May be called from any thread. While the loop is blocked, what waits for it waits; the rest returns at once."""

    def __init__(self, host: ToolHost, loop: asyncio.AbstractEventLoop) -> None:
        """``loop``: on which the host lives."""
        self._host, self._loop = host, loop

    def prepare(self, program_id: str, request: SandboxRequest | None = None) -> None:
        """``ToolHost.prepare``, soon. Who may not have such a sandbox is told by ``acquire``."""
        self._soon(lambda: self._host.prepare(program_id, request))

    def acquire(self, program_id: str, request: SandboxRequest | None = None) -> HeldSandbox:
        """``ToolHost.acquire``. Whoever is interrupted while waiting does not want it any more.

        Raises:
            SandboxRefused: there will be none.
            SandboxProblem: the loop has ended.
            ContractError: called on the loop, which would wait for itself.
        """
        return wait_on(self._host.acquire(program_id, request), self._loop)

    def execute(self, program_id: str, sandbox_id: str, command: Command) -> Output:
        """``ToolHost.execute``. The command of whoever is interrupted is killed.

        Raises:
            SandboxGone: it is not this program's, or not there any more.
            SandboxProblem: the backend failed, or the loop has ended.
            ContractError: called on the loop, which would wait for itself.
        """
        return wait_on(self._host.execute(program_id, sandbox_id, command), self._loop)

    def give_back(self, program_id: str, sandbox_id: str) -> None:
        """``ToolHost.give_back``, soon. One that is gone already is no problem."""
        self._soon(lambda: self._host.give_back(program_id, sandbox_id))

    def release(self, program_id: str) -> None:
        """The program is over, soon: everything of it goes."""
        self._soon(lambda: self._host.program_over(program_id))

    def _soon(self, call: Callable[[], None]) -> None:
        def run() -> None:
            try:
                call()
            except SandboxError as error:
                logger.info("%s", error)

        with contextlib.suppress(RuntimeError):  # the loop has ended, and everything with it
            self._loop.call_soon_threadsafe(run)
