"""The process around the gateway: uvicorn, on one port or two, and an orderly end.

The first SIGTERM or SIGINT begins a drain: new requests are refused, those that run go on until they have ended or ``drain_s``
are over. A second signal ends the process at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from types import FrameType
from typing import Any

import uvicorn

from thunderagent.adapters.gateway.protocol import GatewayProtocol, ShortWay
from thunderagent.adapters.gateway.settings import GatewaySettings

logger = logging.getLogger(__name__)

LAST_WORDS_S = 1
"""For what is still open when the drain's time is over."""


class GatewayServer(uvicorn.Server):
    """uvicorn's server, which drains before it stops."""

    def __init__(self, config: uvicorn.Config, drain_s: float, begin_drain: Callable[[], None]) -> None:
        super().__init__(config)
        self._drain_s, self._begin_drain = drain_s, begin_drain
        self._drains_until_s: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal has come."""
        if self._drains_until_s is not None:
            self.force_exit = True
            super().handle_exit(sig, frame)
            return
        self.drain()

    def drain(self) -> None:
        """Stop in an orderly way."""
        self._drains_until_s = time.monotonic() + self._drain_s
        self._begin_drain()

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second; True: stop now."""
        if self._drains_until_s is not None and (not self.server_state.tasks or time.monotonic() >= self._drains_until_s):
            if self.server_state.tasks:
                logger.warning("%d requests are cut off: they ran for longer than the drain", len(self.server_state.tasks))
            self.should_exit = True
        return await super().on_tick(counter)


class AdminServer(uvicorn.Server):
    """The management port. Signals are for the other server, which ends this one."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None."""
        yield


@dataclass(frozen=True, slots=True)
class Served:
    """What is to be served."""

    short_way: ShortWay
    public: Any
    """ASGI application for everything else on the public port."""
    admin: Any | None
    """ASGI application of the management port; None: there is no such port."""
    begin_drain: Callable[[], None]
    """Called when no new requests are to be taken."""


async def run(
    served: Served,
    settings: GatewaySettings,
    on_ready: Callable[[int], None],
    stop: asyncio.Event | None = None,
    *,
    listening: socket.socket | None = None,
) -> None:
    """Serve until a signal has come, or ``stop`` is set, and all requests have ended.

    Signals are taken in the main thread only. ``on_ready`` is called with the public port once it is open. ``listening``: bound
    to that port already.
    """
    server = GatewayServer(
        _config(served.public, served.short_way, settings, settings.port), settings.drain_s, served.begin_drain
    )
    servers: list[uvicorn.Server] = [server]
    if served.admin is not None and settings.admin_port is not None:
        nothing_short = replace(served.short_way, dialects={})
        servers.append(AdminServer(_config(served.admin, nothing_short, settings, settings.admin_port)))
    tasks = [asyncio.create_task(server.serve([listening] if listening is not None else None))]
    tasks += [asyncio.create_task(each.serve()) for each in servers[1:]]
    beside = [asyncio.create_task(_tell(servers, on_ready))]
    if stop is not None:
        beside.append(asyncio.create_task(_drain_on(stop, server)))
    try:
        await tasks[0]
    finally:
        for task in beside:
            task.cancel()
        for each in servers[1:]:
            each.should_exit = True
        await asyncio.gather(*tasks[1:], return_exceptions=True)


async def _drain_on(stop: asyncio.Event, server: GatewayServer) -> None:
    await stop.wait()
    server.drain()


async def _tell(servers: list[uvicorn.Server], on_ready: Callable[[int], None]) -> None:
    while not all(each.started for each in servers):  # noqa: ASYNC110 - uvicorn has nothing to wait on
        await asyncio.sleep(0.01)
    on_ready(servers[0].servers[0].sockets[0].getsockname()[1])


def _config(app: Any, way: ShortWay, settings: GatewaySettings, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=settings.host,
        port=port,
        http=partial(GatewayProtocol, way),  # type: ignore[arg-type]
        interface="asgi3",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=round(settings.keep_alive_s),
        timeout_graceful_shutdown=LAST_WORDS_S,
        backlog=4_096,
    )
