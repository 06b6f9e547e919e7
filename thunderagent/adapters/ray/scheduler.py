"""The scheduler as a named actor that Ray starts anew when it dies: engines, management and profiles are with it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import ray

from thunderagent import logs
from thunderagent.adapters.engines.detect import AUTO
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.link.address import Address
from thunderagent.adapters.ray.engines import EngineFollower
from thunderagent.adapters.ray.finding import NAMESPACE
from thunderagent.config import ThunderConfig
from thunderagent.scheduler_serving import SchedulerServing
from thunderagent.serving import shown_host
from thunderagent.tools_config import ToolsConfig

logger = logging.getLogger(__name__)

AGAIN_S = 1.0
"""Until a scheduler that failed is started anew: what keeps it from running, such as a lock of its last process, may pass."""


@dataclass(frozen=True)
class SchedulerSetup:
    """All that a scheduler is made of; kept by Ray, which makes it anew from this."""

    config: ThunderConfig
    settings: GatewaySettings
    """Its keys, and what else concerns management; host and port are its node's."""
    urls: tuple[str, ...] = ()
    """Engines that are known by URL."""
    actors: tuple[str, ...] = ()
    """Engines that are actors: their names, or how those begin and ``*``."""
    engine_type: str = AUTO
    tools: ToolsConfig | None = None
    token: str = field(default="", repr=False)
    """That gateways show; its links are open to the cluster's network."""
    gateway_url: str = ""
    """Where its gateways are, for jobs that join."""
    log_level: str = logs.LOG_LEVEL
    log_format: str = logs.LOG_FORMAT
    loopback: bool = False
    """Whether all gateways are on its node, and nobody else is to reach its HTTP."""


class SchedulerActor:
    """Methods are for gateways (``dialling``), jobs (``finding``) and whoever started it (``deploying``)."""

    async def __init__(self, setup: SchedulerSetup) -> None:  # type: ignore[misc]  # Ray awaits it
        logs.set_up(setup.log_level, setup.log_format)
        self._setup = setup
        self._host = "127.0.0.1" if setup.loopback else ray.util.get_node_ip_address()
        self._stop = asyncio.Event()
        self._ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._address: Address | None = None
        self._follower: EngineFollower | None = None
        self._running = asyncio.create_task(self._run(), name="thunderagent-scheduler")

    async def ready(self) -> str:
        """URL of its management, once it accepts gateways.

        Raises:
            ConfigError: it cannot run so.
        """
        return await asyncio.shield(self._ready)

    async def pid(self) -> int:
        """Of its process."""
        return os.getpid()

    async def stop(self) -> None:
        """Gateways are told, sandboxes removed, profiles written."""
        self._stop.set()
        await asyncio.wait((self._running,))

    async def gateway_url(self) -> str:
        """Where its gateways are; empty: it has none."""
        return self._setup.gateway_url

    async def join_engines(self, job: str, actors: Sequence[Any]) -> None:
        """See ``finding.share_engines``."""
        await self.ready()
        assert self._follower is not None, "it is ready"
        self._follower.join(job, actors)

    async def address(self) -> Address:
        """Where gateways dial."""
        await self.ready()
        assert self._address is not None, "it is ready"
        return self._address

    async def _run(self) -> None:
        try:
            await self._serve()
        except Exception as error:
            if not self._ready.done() and not ray.get_runtime_context().was_current_actor_reconstructed:
                self._ready.set_exception(error)  # whoever started it is told
                return
            logger.exception("the scheduler has failed; Ray starts it anew")
            await asyncio.sleep(AGAIN_S)
            os._exit(1)  # any other end, and Ray would not

    async def _serve(self) -> None:
        setup = self._setup
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as listening:
            listening.bind((self._host, 0))
            port = listening.getsockname()[1]
            settings = replace(setup.settings, host=self._host, port=port, admin_port=None)
            serving = SchedulerServing(setup.config, settings, setup.urls, setup.engine_type, tools=setup.tools)
            await serving.run(
                lambda url: self._ready.set_result(f"http://{shown_host(self._host)}:{port}"),
                self._stop,
                listening=listening,
                beside=self._beside(serving, port),
            )

    @contextlib.asynccontextmanager
    async def _beside(self, serving: SchedulerServing, port: int) -> Any:
        """Links, and a look after engines that are actors."""
        self._follower = EngineFollower(serving.gateway.workers, self._setup.actors)
        async with serving.linked(Address(host=self._host), port, token=self._setup.token) as self._address:
            following = asyncio.create_task(self._follower.follow())
            try:
                yield
            finally:
                following.cancel()


def start_scheduler(name: str, setup: SchedulerSetup, *, num_cpus: float) -> Any:
    """Its actor, which outlives who starts it.

    Raises:
        ValueError: one of this name runs already.
    """
    options = {
        "name": name,
        "namespace": NAMESPACE,
        "lifetime": "detached",
        "max_restarts": -1,
        "max_task_retries": 0,  # a call that died with it may have been carried out: gateways dial anew instead
        "num_cpus": num_cpus,
    }
    return ray.remote(SchedulerActor).options(**options).remote(setup)
