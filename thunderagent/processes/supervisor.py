"""Starts a scheduler and several gateways on one port, starts again whoever dies, and ends them in order.

The gateways end first, as soon as what runs in them has; then the scheduler. A second signal ends all at once. Processes have
sessions of their own: Ctrl-C reaches the supervisor alone, which passes it on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import pickle
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from thunderagent import logs
from thunderagent.adapters.link.address import Address
from thunderagent.errors import ConfigError, ThunderAgentError
from thunderagent.processes.job import GatewayJob, Job, OnReady, SchedulerJob, bound
from thunderagent.processes.pipe import LENGTH_BYTES, Failed, Ready, framed
from thunderagent.serving import check_ports

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
FIRST_RESTART_S, LAST_RESTART_S = 0.1, 5.0
"""At once for one that was killed; slower for one that cannot live."""
SETTLED_S = 10.0
"""Whoever has lived for so long is started again at once."""
LAST_WORDS_S = 10.0
"""Beyond the drain, before a process that does not end is killed."""


class Child:
    """One process and its successors."""

    def __init__(self, name: str, job: Job) -> None:
        self.name, self._job = name, job
        self._process: asyncio.subprocess.Process | None = None
        self._ending = False

    async def start(self) -> Ready:
        """Once it serves.

        Raises:
            ThunderAgentError: it cannot, and says why.
        """
        module = [sys.executable, "-m", "thunderagent.processes.child"]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*module, stdin=pipe, stdout=pipe, start_new_session=True)
        self._process = process
        assert process.stdin is not None and process.stdout is not None, "they are pipes"
        told: Any = None
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            process.stdin.write(framed(self._job))
            length = int.from_bytes(await process.stdout.readexactly(LENGTH_BYTES), "big")
            told = pickle.loads(await process.stdout.readexactly(length))
        if isinstance(told, Failed):
            raise told.error
        if told is None:
            raise ConfigError(
                "--gateways", self.name, f"it {_how_ended(await process.wait())} while it started; its log says why"
            )
        assert isinstance(told, Ready), "it tells nothing else"
        return told

    async def keep(self) -> None:
        """Start it again whenever it ends, until ``end``."""
        delay_s = FIRST_RESTART_S
        while True:
            began_s = time.monotonic()
            assert self._process is not None, "it was started"
            code = await self._process.wait()
            if self._ending:
                return
            delay_s = FIRST_RESTART_S if time.monotonic() - began_s > SETTLED_S else min(2 * delay_s, LAST_RESTART_S)
            logger.warning("%s %s: it is started again in %g s", self.name, _how_ended(code), delay_s)
            await asyncio.sleep(delay_s)
            if self._ending:
                return
            try:
                await self.start()
            except ThunderAgentError as error:
                logger.warning("%s could not be started: %s", self.name, error)

    async def end(self, within_s: float) -> None:
        """Politely, then not."""
        self._ending = True
        self.signal(signal.SIGTERM)
        if self._process is not None:
            try:
                async with asyncio.timeout(within_s):
                    await self._process.wait()
            except TimeoutError:
                logger.warning("%s does not end: it is killed", self.name)
                self.signal(signal.SIGKILL)
                await self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """If it lives."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)


def supervise(scheduler: SchedulerJob, gateway: GatewayJob, gateways: int, on_ready: OnReady) -> None:
    """Until a signal has come and all have ended.

    Args:
        scheduler: its address is chosen here, and its HTTP is for this machine alone; the admin port is its.
        gateway: what each of them does; its scheduler is told here.
        gateways: how many.
        on_ready: told the gateways' URL, and how the engines stand, once all serve.

    Raises:
        ConfigError: a port cannot be listened on.
    """
    logs.set_up(gateway.logging.level, gateway.logging.format)
    check_ports(scheduler.settings)  # as the user gave them: the gateways' port, and management's
    folder = Path(tempfile.mkdtemp(prefix="thunderagent-"))  # for its owner alone
    try:
        with bound("port", gateway.settings.host, gateway.settings.port, shared=True) as reserved:
            address, port = Address(path=folder / "link"), reserved.getsockname()[1]
            settings = replace(gateway.settings, port=port, admin_port=None)
            scheduler = replace(
                scheduler, listen=address, settings=replace(scheduler.settings, port=0), http_host=LOOPBACK, token=""
            )
            gateway = replace(gateway, settings=settings, scheduler=address, token="", shared_port=True)
            children = [Child("the scheduler", scheduler), *(Child(f"gateway {n}", gateway) for n in range(1, gateways + 1))]
            asyncio.run(_supervise(children, settings.drain_s, on_ready))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _supervise(children: list[Child], drain_s: float, on_ready: OnReady) -> None:
    stop = asyncio.Event()

    def signalled() -> None:
        if stop.is_set():
            for child in children:
                child.signal(signal.SIGKILL)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled)
    scheduler, *gateways = children
    keepers: list[asyncio.Task[None]] = []

    async def start(child: Child) -> Ready:
        """From then on it is kept alive, also while others still start."""
        ready = await child.start()
        keepers.append(asyncio.create_task(child.keep()))
        return ready

    async def start_all() -> tuple[Ready, Ready]:
        first = await start(scheduler)
        return first, (await asyncio.gather(*map(start, gateways)))[0]

    serving = asyncio.ensure_future(start_all())
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            of_scheduler, of_gateway = serving.result()
            on_ready(of_gateway.url, of_scheduler.engines)
            await stopping
    finally:
        serving.cancel()
        stopping.cancel()
        await asyncio.gather(*(child.end(drain_s + LAST_WORDS_S) for child in gateways))
        await scheduler.end(LAST_WORDS_S)
        for keeper in keepers:
            keeper.cancel()


def _how_ended(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
