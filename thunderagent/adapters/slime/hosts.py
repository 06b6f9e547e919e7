"""One scheduler for each router in this process: made with the first sample, ended with the process."""

from __future__ import annotations

import asyncio
import atexit
import functools
import logging
import threading
import time
from argparse import Namespace

from thunderagent.adapters.engines.http import EngineHttp
from thunderagent.adapters.running_gateway import GatewayProblem, RunningGateway, find, job_name
from thunderagent.adapters.slime.host import EmbeddedHost, Host
from thunderagent.adapters.slime.remote import RemoteHost
from thunderagent.adapters.slime.router import Engines, engines_behind, is_thunderagent
from thunderagent.adapters.slime.settings import PREFIX, SlimeSettings
from thunderagent.errors import ConfigError, ThunderAgentError

logger = logging.getLogger(__name__)

AGAIN_S = 30.0
"""Until another try to start a scheduler; samples are generated without one meanwhile."""
LOOPBACK = "127.0.0.1"

_hosts: dict[str, Host] = {}
_failed_at_s: dict[str, float] = {}
_lock = threading.Lock()


async def host_of(args: Namespace, settings: SlimeSettings) -> Host | None:
    """The scheduler; None: there is none, turns go straight to slime's router. On any loop.

    Raises:
        ConfigError: a setting does not fit the engines.
    """
    router = router_of(args)
    known = _hosts.get(router) if router is not None else None
    if known is not None and known.alive:
        return known
    return await asyncio.to_thread(open_host, args, settings)


def open_host(args: Namespace, settings: SlimeSettings) -> Host | None:
    """The same for those who may block.

    Raises:
        ConfigError: as ``host_of``.
    """
    router = router_of(args)
    if router is None:
        _warn_of_no_router()
        return None
    with _lock:
        known = _hosts.get(router)
        if known is not None and known.alive:
            return known
        if time.monotonic() - _failed_at_s.get(router, -AGAIN_S) < AGAIN_S:
            return None
        try:
            host = _hosts[router] = _start(router, args, settings)
        except ConfigError:
            raise
        except (ThunderAgentError, OSError) as error:
            _failed_at_s[router] = time.monotonic()
            logger.error("turns are not scheduled, trying again in %g s: %s", AGAIN_S, error)
            return None
        return host


def interrupt_all(aborted: bool) -> None:
    """slime aborts, or has done so: its state is one for the process."""
    for host in tuple(_hosts.values()):
        host.interrupt(aborted)


def close_all() -> None:
    """End all schedulers; the next sample starts anew."""
    with _lock:
        for host in _hosts.values():
            host.close()
        _hosts.clear()
        _failed_at_s.clear()


def router_of(args: object) -> str | None:
    """The base URL of slime's router; None: these arguments name none, as in slime's tests of plug-ins."""
    ip, port = getattr(args, "sglang_router_ip", None), getattr(args, "sglang_router_port", None)
    return None if ip is None or port is None else f"http://{ip}:{port}"


def _start(router: str, args: Namespace, settings: SlimeSettings) -> Host:
    engines = asyncio.run(_look(router))
    if engines is None:
        logger.info("slime's router is a thunderagent gateway: it schedules, by its own settings")
        return RemoteHost(RunningGateway(router))
    if settings.gateway is not None:
        gateway = find(PREFIX + "gateway", settings.gateway, _url_in_ray)
        host = RemoteHost(gateway, prefix=f"{job_name(settings.job)}/", engines=lambda: asyncio.run(_look(router)))
        try:
            host.begin_step()
        except GatewayProblem as problem:
            raise ConfigError(PREFIX + "gateway", settings.gateway, str(problem)) from None
        return host
    if engines.disaggregated and settings.config.capacity_tokens is None:
        told = "must be given where prefill and decode are apart: the KV cache of all decode engines together, in tokens"
        raise ConfigError(PREFIX + "capacity_tokens", None, told)
    embedded = EmbeddedHost(router, settings.config, engines, _own_ip(args), settings.tools)
    logger.info("scheduling (%s) %d engines behind %s", settings.config.mode, len(engines.urls), router)
    return embedded


def _url_in_ray(name: str) -> str:
    from thunderagent.adapters.ray.finding import gateway_url

    return gateway_url(name)


async def _look(router: str) -> Engines | None:
    """None: it is a gateway of ours."""
    http = EngineHttp(router)
    try:
        return None if await is_thunderagent(http) else await engines_behind(http, router)
    finally:
        http.close()


def _own_ip(args: Namespace) -> str:
    """With ``--use-distributed-post`` turns are sent from all nodes, else from this process alone."""
    if not getattr(args, "use_distributed_post", False):
        return LOOPBACK
    from slime.utils.http_utils import get_host_info

    ip: str = get_host_info()[1]
    return ip


@functools.cache
def _warn_of_no_router() -> None:
    logger.warning("slime's arguments name no router (sglang_router_ip, sglang_router_port): turns are not scheduled")


atexit.register(close_all)
