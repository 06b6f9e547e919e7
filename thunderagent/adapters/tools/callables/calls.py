"""Methods of the user's object, called without being trusted."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any, TypeVar

from thunderagent.errors import SandboxError, SandboxProblem

T = TypeVar("T")


class Calls:
    """Of one object."""

    def __init__(self, made: object) -> None:
        self._made, self._name = made, type(made).__name__

    def has(self, method: str) -> bool:
        """Whether there is such a method."""
        return callable(getattr(self._made, method, None))

    async def call(self, method: str, *arguments: object) -> Any:
        """What it gives. A plain function runs in a thread.

        Raises:
            SandboxError: whatever it raised; what is none of ours as a ``SandboxProblem``, with its type and message.
        """
        function = getattr(self._made, method)
        try:
            if inspect.iscoroutinefunction(function):
                return await function(*arguments)
            result = await asyncio.to_thread(function, *arguments)
            return await result if inspect.isawaitable(result) else result
        except SandboxError:
            raise
        except Exception as error:
            raise SandboxProblem(f"{self._name}.{method}: {type(error).__name__}: {error}") from error

    async def want(self, kind: type[T], method: str, *arguments: object) -> T:
        """The same, of which something of this kind has to come.

        Raises:
            SandboxError: as ``call``, or it is of another kind.
        """
        given = await self.call(method, *arguments)
        if not isinstance(given, kind):
            raise SandboxProblem(f"{self._name}.{method}: it gave {type(given).__name__}, it must be {kind.__name__}")
        return given
