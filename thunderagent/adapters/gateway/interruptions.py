"""Requests that are answered as aborted instead of being run: the rollout that they belong to is over.

Only those that are not at an engine, and only of an API whose clients know such an answer (SGLang's ``/generate``). Those at an
engine go on: whoever ends a rollout aborts them there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol

from thunderagent.adapters.gateway.exchange import Exchange
from thunderagent.errors import RequestInterrupted

LEAVING_S = 2.0
"""A program that was at an engine or ran a tool when its rollout ended is told with its next request, if that comes soon. Clients
that try again do so after a second; longer, and the next rollout may ask for the same sample anew."""


class Programs(Protocol):
    """The runtime, as far as it is needed here."""

    def program_ids(self) -> Iterable[str]:
        """Of all that are known."""
        ...

    def release_idle(self, program_id: str) -> None:
        """It is over, unless a turn of it runs or waits."""
        ...


class Interruptions:
    """All methods are to be called from one event loop."""

    def __init__(self, runtime: Programs) -> None:
        self._runtime = runtime
        self._held: dict[Exchange, str] = {}
        """Requests that are not at an engine, with their programs."""
        self._prefixes: list[str] = []
        self._untold: set[str] = set()
        """Programs of a rollout that is over which do not know it yet."""
        self._leaving: set[str] = set()
        """Programs of that rollout, unless something new was asked for them since."""
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, prefix: str) -> None:
        """Answer what waits now, and what arrives until ``end``, of programs whose id begins so. May be begun more than once."""
        self._prefixes.append(prefix)
        self._interrupt(prefix)

    def end(self, prefix: str) -> None:
        """Run again what arrives; as often as it was begun. Nothing happens if it was not."""
        if prefix in self._prefixes:
            self._prefixes.remove(prefix)

    def end_rollout(self, programs: Iterable[str] | None = None) -> None:
        """Everything that waits now is answered, and for ``LEAVING_S`` the next request of each program that is known now.

        Then those programs are over, unless they were asked for anew: nobody releases them.

        ``programs``: those that are known, if the runtime is not to be asked.
        """
        self._leaving = set(self._runtime.program_ids() if programs is None else programs)
        self._untold = self._leaving.difference(self._interrupt(""))
        self.close()
        self._timer = asyncio.get_running_loop().call_later(LEAVING_S, self._left)

    def close(self) -> None:
        """Wait for nobody any more."""
        if self._timer is not None:
            self._timer.cancel()

    # Told by the relay

    def hold(self, exchange: Exchange, program_id: str) -> None:
        """A request has come, or was given back by an engine, and is to be run.

        Raises:
            RequestInterrupted: it is not.
        """
        if exchange.dialect.aborted is None:
            return
        if program_id.startswith(tuple(self._prefixes)) or program_id in self._untold:
            self._untold.discard(program_id)
            exchange.interrupted = True
            raise RequestInterrupted(program_id)
        self.asked(program_id)
        self._held[exchange] = program_id

    def asked(self, program_id: str) -> None:
        """A turn of it is to be run: it stays."""
        self._leaving.discard(program_id)

    def over(self, exchange: Exchange) -> None:
        """It goes to an engine, or has been answered."""
        self._held.pop(exchange, None)

    def told(self, program_id: str) -> None:
        """An engine has answered that it was aborted."""
        self._untold.discard(program_id)

    def _interrupt(self, prefix: str) -> list[str]:
        """Gives the programs."""
        held = [(exchange, program_id) for exchange, program_id in self._held.items() if program_id.startswith(prefix)]
        for exchange, _ in held:
            exchange.interrupt()
        return [program_id for _, program_id in held]

    def _left(self) -> None:
        for program_id in self._leaving:
            self._runtime.release_idle(program_id)
        self._leaving, self._untold = set(), set()
