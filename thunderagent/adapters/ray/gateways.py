"""Gateways as a Ray Serve deployment: as many as the turns in flight ask for, each with a link to the scheduler's actor."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from ray import serve

from thunderagent import logs
from thunderagent.adapters.gateway.asgi import AsgiGateway
from thunderagent.adapters.gateway.passthrough import Receive, Send
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.ray.dialling import dial_actor
from thunderagent.adapters.ray.finding import NAMESPACE
from thunderagent.front_serving import FrontServing

DEPLOYMENT = "Gateway"
MAX_TURNS_PER_REPLICA = 10_000
"""Turns that wait for admission are requests in flight, too: they have to be at a gateway to be scheduled."""
UPSCALE_S, DOWNSCALE_S = 5.0, 300.0
"""So long the load has to ask for it: a replica starts in seconds, and those that wait are many turns long."""
HEALTH_PERIOD_S = 5.0


@dataclass(frozen=True)
class GatewaySetup:
    """What each replica is made of."""

    scheduler: str
    """Name of its actor."""
    settings: GatewaySettings
    min_replicas: int = 1
    max_replicas: int = 1
    turns_per_replica: int = 256
    """In flight, waiting ones included: more, and Serve starts another replica; fewer, and it ends one."""
    num_cpus: float = 1.0
    """That Ray keeps for each."""
    log_level: str = logs.LOG_LEVEL
    log_format: str = logs.LOG_FORMAT
    token: str = field(default="", repr=False)
    """Of the scheduler."""


class ReplicaApp:
    """The ASGI application of a replica; its lifespan is the link's."""

    def __init__(self, setup: GatewaySetup) -> None:
        self._setup = setup
        self._ends = AsyncExitStack()
        self._app: AsgiGateway | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            assert self._app is not None, "it has started up"
            await self._app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        setup = self._setup
        dial = dial_actor(setup.scheduler, NAMESPACE, self._runs_at)
        serving = FrontServing(dial, setup.settings, http_host="", token=setup.token)
        self._serving = serving
        front = await self._ends.enter_async_context(serving.open())
        self._app = AsgiGateway(front.short_way, front.app)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._ends.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    def _runs_at(self, host: str) -> None:
        self._serving.http_host = host


def gateways(setup: GatewaySetup) -> serve.Application:
    """To be given to ``serve.run``."""

    def build() -> Any:
        logs.set_up(setup.log_level, setup.log_format)
        return ReplicaApp(setup)

    class Gateway:
        """Serve ends a replica once its requests have ended, for ``drain_s`` at most; no new ones come meanwhile."""

    made: Callable[..., Any] = serve.ingress(build)(Gateway)
    return serve.deployment(
        made,
        name=DEPLOYMENT,
        max_ongoing_requests=MAX_TURNS_PER_REPLICA,
        autoscaling_config={
            "min_replicas": setup.min_replicas,
            "max_replicas": setup.max_replicas,
            "target_ongoing_requests": setup.turns_per_replica,
            "upscale_delay_s": UPSCALE_S,
            "downscale_delay_s": DOWNSCALE_S,
        },
        graceful_shutdown_timeout_s=setup.settings.drain_s,
        graceful_shutdown_wait_loop_s=1.0,
        health_check_period_s=HEALTH_PERIOD_S,
        ray_actor_options={"num_cpus": setup.num_cpus},
    ).bind()
