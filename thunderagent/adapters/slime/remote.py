"""A gateway that runs already: it schedules, and is only told the programs.

slime's router may be one itself (``thunderagent serve`` in slime's mode), or there is one beside it, which several jobs share.
"""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Callable
from urllib.parse import urlsplit

from thunderagent.adapters.running_gateway import RunningGateway
from thunderagent.adapters.slime.metrics import StepNotes
from thunderagent.adapters.slime.programs import args_of
from thunderagent.adapters.slime.router import Engines


class RemoteHost:
    """That gateway. What it measures is in its own ``/metrics``."""

    alive = True

    def __init__(self, gateway: RunningGateway, *, prefix: str = "", engines: Callable[[], Engines | None] | None = None) -> None:
        """``prefix``: how its programs begin; ``engines``: looks at those behind slime's router; None: it is that router."""
        self.notes = StepNotes()
        self._gateway, self._prefix, self._engines = gateway, prefix, engines
        parts = urlsplit(gateway.url)
        self._ip, self._port = f"[{parts.hostname}]" if ":" in str(parts.hostname) else str(parts.hostname), parts.port or 80

    def args_for(self, args: Namespace, program_id: str) -> Namespace:
        """With the gateway in the router's place, on a path that names the program."""
        return args_of(args, self._prefix + program_id, self._ip, self._port)

    def enter(self, program_id: str) -> None:
        """It is known with its first turn."""

    async def leave(self, program_id: str, *, comes_back: bool) -> None:
        """Released there, unless it comes back."""
        if not comes_back:
            await asyncio.wrap_future(self._gateway.release(self._prefix + program_id))

    def interrupt(self, aborted: bool) -> None:
        """Where it is slime's router, it takes slime's ``GET /workers`` for that."""

    def begin_step(self) -> None:
        """Engines that were started anew join.

        Raises:
            GatewayProblem: the gateway does not take them in.
            EngineProblem: slime's router does not tell them.
        """
        engines = self._engines() if self._engines is not None else None
        if engines is not None:
            self._gateway.share_engines(engines.urls)

    def end_step(self, phase: str) -> dict[str, float]:
        """Only what samples know."""
        return self.notes.take(phase)

    def close(self) -> None:
        """It is not ours to end."""
        self._gateway.close()
