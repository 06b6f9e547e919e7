"""The gateway as a process of its own: ``python -m thunderagent serve``."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.adapters.gateway.reliability.client import Client

CHECKOUT = Path(__file__).parents[4]


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


class Process:
    """Starts on the same port again and again."""

    def __init__(self, *options: str, log: Path | None = None) -> None:
        self.port = free_port()
        self._options = ("--port", str(self.port), "--metrics-interval", "0.1s", *options)
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Until it answers and all of its processes have started; one that was killed before that would end them all."""
        with contextlib.ExitStack() as closed:
            started = Path(closed.enter_context(tempfile.TemporaryDirectory())) / "url"
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "thunderagent", "serve", "--port-file", str(started), *self._options),
                cwd=CHECKOUT,
                env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
                stdout=asyncio.subprocess.DEVNULL,
                stderr=None if self._log is None else closed.enter_context(self._log.open("ab")),
            )
            async with asyncio.timeout(30):
                while not (started.exists() and await self.is_ready()):  # noqa: ASYNC110 - it is another process
                    await asyncio.sleep(0.05)

    async def is_ready(self) -> bool:
        """Whether it takes requests."""
        try:
            client = await Client.connect(self.port)
        except OSError:
            return False
        try:
            return (await client.get("/ready")).status == 200
        except (OSError, asyncio.IncompleteReadError):
            return False
        finally:
            client.leave()

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def ended(self) -> int:
        """Its exit status."""
        assert self._process is not None
        async with asyncio.timeout(30):
            return await self._process.wait()

    async def kill(self) -> None:
        """SIGKILL: it can do nothing more."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.signal(signal.SIGKILL)
            await self.ended()


@asynccontextmanager
async def process(*options: str, log: Path | None = None) -> AsyncIterator[Process]:
    """One that is ready, and killed at the end. ``log`` gets what it tells on stderr."""
    gateway = Process(*options, log=log)
    await gateway.start()
    try:
        yield gateway
    finally:
        await gateway.kill()
