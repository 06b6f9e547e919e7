"""slime's router is a gateway of ours (``thunderagent serve`` in slime's mode): it schedules, and is only told the programs."""

from __future__ import annotations

import logging
from argparse import Namespace

import httpx

from thunderagent.adapters.slime.metrics import StepNotes
from thunderagent.adapters.slime.programs import args_of

logger = logging.getLogger(__name__)


class RemoteHost:
    """That gateway. What it measures is in its own ``/metrics``."""

    alive = True

    def __init__(self, router: str, ip: str, port: int) -> None:
        self.notes = StepNotes()
        self._router, self._ip, self._port = router, ip, port

    def args_for(self, args: Namespace, program_id: str) -> Namespace:
        """The same router, on a path that names the program."""
        return args_of(args, program_id, self._ip, self._port)

    def enter(self, program_id: str) -> None:
        """It is known with its first turn."""

    async def leave(self, program_id: str, *, comes_back: bool) -> None:
        """Released there, unless it comes back."""
        from slime.utils.http_utils import post

        if comes_back:
            return
        try:
            await post(f"{self._router}/programs/release", {"program_id": program_id}, max_retries=1)
        except httpx.HTTPError as error:  # it is forgotten there after a while all the same
            logger.warning("program %s could not be released: %s", program_id, error)

    def interrupt(self, aborted: bool) -> None:
        """It takes slime's ``GET /workers`` for that."""

    def begin_step(self) -> None:
        """Engines are registered there by slime itself."""

    def end_step(self, phase: str) -> dict[str, float]:
        """Only what samples know."""
        return self.notes.take(phase)

    def close(self) -> None:
        """It is not ours to end."""
