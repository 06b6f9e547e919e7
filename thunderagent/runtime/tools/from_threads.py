"""Waiting in a thread for what runs on an event loop of another."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

from thunderagent.errors import ContractError, SandboxProblem

T = TypeVar("T")
LOOK_S = 1.0
"""Between two looks whether the loop still runs: one that ended badly answers nobody."""
ENDED = "the loop of the sandboxes has ended"


def wait_on(coroutine: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> T:
    """What it comes to. An interrupted wait (Ctrl-C) gives it up.

    Raises:
        SandboxProblem: the loop has ended.
        ContractError: called on that very loop, which would wait for itself.
    """
    call = _Call(coroutine)
    try:
        future = _started(call, loop)
        while not loop.is_closed():
            if concurrent.futures.wait([future], LOOK_S).done:
                return future.result()
    except concurrent.futures.CancelledError:  # with all that ran on the loop
        pass
    except BaseException:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and everything with it
            loop.call_soon_threadsafe(call.give_up)
        raise
    raise SandboxProblem(ENDED, permanent=True)


def _started(call: _Call[T], loop: asyncio.AbstractEventLoop) -> concurrent.futures.Future[T]:
    running = call.run()
    try:
        with contextlib.suppress(RuntimeError):  # in most threads none runs
            if asyncio.get_running_loop() is loop:
                raise ContractError("called on the loop of the sandboxes, which would wait for itself: call it in a thread")
        return asyncio.run_coroutine_threadsafe(running, loop)
    except (ContractError, RuntimeError) as error:
        running.close()
        call.close()
        if isinstance(error, ContractError):
            raise
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
