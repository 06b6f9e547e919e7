"""What one process is to do, and how it does it: picklable, so that a supervisor can tell a child."""

from __future__ import annotations

import gc
import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import uvloop

from thunderagent import logs
from thunderagent.adapters.engines.standing import EngineStatus
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.link.address import Address
from thunderagent.adapters.link.sockets import dialler
from thunderagent.config import ThunderConfig
from thunderagent.errors import ConfigError
from thunderagent.front_serving import FrontServing
from thunderagent.scheduler_serving import SchedulerServing
from thunderagent.serving import spare_the_memory_manager
from thunderagent.tools_config import ToolsConfig

OnReady = Callable[[str, Sequence[EngineStatus]], None]


class Job(Protocol):
    """The whole life of a process."""

    def run(self, on_ready: OnReady) -> None:
        """Until SIGTERM or SIGINT has come and what ran has ended. ``on_ready``: told the URL of its HTTP, and the engines.

        Raises:
            ConfigError: something cannot be listened on.
        """
        ...


@dataclass(frozen=True, slots=True)
class Logging:
    """As of ``logs.set_up``."""

    level: str
    format: str


@dataclass(frozen=True, slots=True)
class SchedulerJob:
    """A scheduler, for gateways of other processes."""

    config: ThunderConfig
    settings: GatewaySettings
    """Of its HTTP."""
    urls: tuple[str, ...]
    engine_type: str
    logging: Logging
    listen: Address
    """For gateways."""
    token: str = field(default="", repr=False)
    """That gateways must show; empty: nothing."""
    tools: ToolsConfig | None = None
    http_host: str | None = None
    """Where its HTTP listens, if that is not the settings' host."""

    def run(self, on_ready: OnReady) -> None:
        """See ``Job``."""
        _begin(self.logging)
        uvloop.run(self._run(on_ready))

    async def _run(self, on_ready: OnReady) -> None:
        listening = bound("port", self.http_host or self.settings.host, self.settings.port)
        serving = SchedulerServing(self.config, self.settings, self.urls, self.engine_type, tools=self.tools)
        links = serving.linked(self.listen, listening.getsockname()[1], token=self.token)
        await serving.run(lambda url: on_ready(url, serving.session.engines.statuses), listening=listening, beside=links)


@dataclass(frozen=True, slots=True)
class GatewayJob:
    """A gateway whose scheduler is another process."""

    settings: GatewaySettings
    logging: Logging
    scheduler: Address
    token: str = field(default="", repr=False)
    shared_port: bool = False
    """Other gateways listen on the same port; the kernel spreads connections over them."""

    def run(self, on_ready: OnReady) -> None:
        """See ``Job``."""
        _begin(self.logging)
        uvloop.run(self._run(on_ready))

    async def _run(self, on_ready: OnReady) -> None:
        listening = bound("port", self.settings.host, self.settings.port, shared=self.shared_port)
        serving = FrontServing(dialler(self.scheduler), self.settings, http_host=self.scheduler.http_host, token=self.token)
        await serving.run(lambda url: on_ready(url, ()), listening=listening)


def bound(option: str, host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket for ``port``, or for a free one if that is 0. ``shared``: other processes of this user may bind it too.

    Raises:
        ConfigError: it cannot be listened on. Names the option.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(option, port, f"cannot be listened on at {host} ({error.strerror})") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind(address)
    except OSError as error:
        listening.close()
        raise ConfigError(option, port, f"cannot be listened on at {host} ({error.strerror}); choose another") from None
    return listening


def _begin(logging_: Logging) -> None:
    logs.set_up(logging_.level, logging_.format)
    logging.captureWarnings(True)
    gc.collect()
    spare_the_memory_manager()
