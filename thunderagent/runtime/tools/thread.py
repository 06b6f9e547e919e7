"""The host of sandboxes in a thread of its own, for runtimes whose loop is blocked now and then, as SkyRL's by weight broadcasts.

On that loop commands would stand still meanwhile, and time-outs would end what was done long ago.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable

from thunderagent.runtime.runtime import Runtime
from thunderagent.runtime.tools.blocking import BlockingTools
from thunderagent.runtime.tools.host import UNKNOWN_RANK, ToolHost


class ToolThread:
    """A ``ProgramListener``: what the runtime tells on its loop is passed on to the host's."""

    def __init__(self, host: ToolHost, runtime: Runtime) -> None:
        """Nothing runs yet, but what ``tools`` is asked for is done once it does."""
        self.host = host
        """To be touched on its own loop only."""
        self._loop = asyncio.new_event_loop()
        self.tools = BlockingTools(host, self._loop)
        """For all other threads."""
        self._thread = threading.Thread(target=self._run, name="thunderagent-tools", daemon=True)
        self._lock = threading.Lock()
        self._stop = asyncio.Event()
        self._ranks: dict[str, tuple[float, ...]] = {}
        """By program, as told last: the scheduler's own are not to be read while it changes them."""
        host.ask(lambda program_id: self._ranks.get(program_id, UNKNOWN_RANK), runtime.scheduler.programs.__contains__)
        runtime.listen(self)

    def start(self) -> None:
        """From any thread. May be called again."""
        with self._lock:
            if self._thread.ident is None:
                self._thread.start()

    def stop(self) -> None:
        """Remove all sandboxes, as far as that works in time, and end. Not from the host's loop. May be called again."""
        with self._lock:
            if self._thread.ident is None:
                self._loop.close()
                return
        with contextlib.suppress(RuntimeError):  # it has ended already
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def program_began(self, program_id: str) -> None:
        """See ``ToolHost``."""
        self._pass_on(self.host.program_began, program_id)

    def program_expected(self, program_id: str, rank: tuple[float, ...]) -> None:
        """See ``ToolHost``."""
        self._pass_on(self._expected, program_id, rank)

    def program_over(self, program_id: str, *, withdrawn: bool = False) -> None:
        """See ``ToolHost``."""
        self._pass_on(self._over, program_id, withdrawn)

    def _pass_on(self, told: Callable[..., None], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the host has ended
            self._loop.call_soon_threadsafe(told, *arguments)

    def _expected(self, program_id: str, rank: tuple[float, ...]) -> None:
        self._ranks[program_id] = rank
        self.host.program_expected(program_id, rank)

    def _over(self, program_id: str, withdrawn: bool) -> None:
        self._ranks.pop(program_id, None)
        self.host.program_over(program_id, withdrawn=withdrawn)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        await self.host.start()
        try:
            await self._stop.wait()
        finally:
            await self.host.close()
