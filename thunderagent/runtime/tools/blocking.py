"""The host of sandboxes for code that blocks: environments in threads of their own, while the host's loop is another's."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from thunderagent.errors import ContractError, SandboxError, SandboxProblem
from thunderagent.runtime.tools.backend import Command, Output, SandboxRequest
from thunderagent.runtime.tools.held import HeldSandbox
from thunderagent.runtime.tools.host import ToolHost

logger = logging.getLogger(__name__)
T = TypeVar("T")
LOOK_S = 1.0
"""Between two looks whether the loop still runs: one that ended badly answers nobody."""
ENDED = "the loop of the sandboxes has ended"


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
        return self._wait(self._host.acquire(program_id, request))

    def execute(self, program_id: str, sandbox_id: str, command: Command) -> Output:
        """``ToolHost.execute``. The command of whoever is interrupted is killed.

        Raises:
            SandboxGone: it is not this program's, or not there any more.
            SandboxProblem: the backend failed, or the loop has ended.
            ContractError: called on the loop, which would wait for itself.
        """
        return self._wait(self._host.execute(program_id, sandbox_id, command))

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

    def _wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        call = _Call(coroutine)
        try:
            future = self._started(call)
            while not self._loop.is_closed():
                if concurrent.futures.wait([future], LOOK_S).done:
                    return future.result()
        except concurrent.futures.CancelledError:  # with all that ran on the loop
            pass
        except BaseException:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and everything with it
                self._loop.call_soon_threadsafe(call.give_up)
            raise
        raise SandboxProblem(ENDED, permanent=True)

    def _started(self, call: _Call[T]) -> concurrent.futures.Future[T]:
        running = call.run()
        try:
            with contextlib.suppress(RuntimeError):  # in most threads none runs
                if asyncio.get_running_loop() is self._loop:
                    raise ContractError("called on the loop of the sandboxes, which would wait for itself: call it in a thread")
            return asyncio.run_coroutine_threadsafe(running, self._loop)
        except ContractError:
            running.close()
            call.close()
            raise
        except RuntimeError:
            running.close()
            call.close()
            raise SandboxProblem(ENDED, permanent=True) from None


class _Call(Generic[T]):
    """A coroutine that can be given up whenever its caller is interrupted: before it has begun, too."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine
        self._task: asyncio.Task[Any] | None = None
        self._given_up = False

    async def run(self) -> T:
        """On the loop, where ``give_up`` is called too."""
        if self._given_up:
            self.close()
            raise asyncio.CancelledError
        self._task = asyncio.current_task()
        return await self._coroutine

    def give_up(self) -> None:
        """Nobody waits for it any more."""
        self._given_up = True
        if self._task is not None:
            self._task.cancel()

    def close(self) -> None:
        """It has not begun, and never will."""
        self._coroutine.close()
