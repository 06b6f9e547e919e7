"""A scheduler and its gateways in a Ray cluster, started and ended together."""

from __future__ import annotations

import logging
import secrets
import time
import urllib.request
from dataclasses import replace
from typing import Any

import ray
from ray import serve
from ray.exceptions import RayError

from thunderagent.adapters.ray.dialling import in_short
from thunderagent.adapters.ray.finding import NAMESPACE
from thunderagent.adapters.ray.gateways import GatewaySetup, gateways
from thunderagent.adapters.ray.scheduler import SchedulerSetup, start_scheduler
from thunderagent.errors import ConfigError, LinkError

logger = logging.getLogger(__name__)

START_S = 120.0
"""For a cluster to start an actor: a fresh node may have to import everything from a slow disk."""
STOP_S = 30.0
"""For the scheduler to remove sandboxes and write profiles."""
SERVED_S = 20.0
"""From when Serve says that a deployment runs, until its proxy knows of it: a second, mostly."""


def deploy(name: str, scheduler: SchedulerSetup, gateway: GatewaySetup, *, host: str, port: int, num_cpus: float = 1.0) -> str:
    """Start them; gives the URL of the gateways. ``ray.init`` has to have been called.

    Args:
        name: of the scheduler in the cluster, and of the application in Serve.
        scheduler: what it is made of.
        gateway: what gateways are made of.
        host: where Serve's proxies listen.
        port: the same. A Serve that runs already keeps its own.
        num_cpus: that Ray keeps for the scheduler.

    Raises:
        ConfigError: the scheduler cannot run so, or there is one of this name.
        LinkError: the cluster does not start it, or Serve does not listen there.
    """
    if _runs(name):
        raise ConfigError("name", name, "is a scheduler that runs in this cluster already; choose another, or end that one")
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    serve.start(proxy_location="EveryNode", http_options={"host": host, "port": port})
    url = proxy_url(host, port)
    token = secrets.token_urlsafe()
    actor = start_scheduler(name, replace(scheduler, gateway_url=url, token=token), num_cpus=num_cpus)
    try:
        _wait_until_ready(name, actor)
        serve.run(gateways(replace(gateway, token=token)), name=name, route_prefix="/", blocking=False)
        _wait_until_served(url)
    except BaseException:  # Ctrl-C too: they would outlive this process
        serve.delete(name, _blocking=False)
        ray.kill(actor)
        raise
    return url


def end(name: str) -> None:
    """Gateways drain, then the scheduler goes; Serve and Ray stay."""
    try:
        serve.delete(name)
        actor = ray.get_actor(name, namespace=NAMESPACE)
        ray.get(actor.stop.remote(), timeout=STOP_S)
        ray.kill(actor)
    except (ValueError, RayError, TimeoutError) as error:
        logger.warning("the scheduler %r has not ended in an orderly way: %s", name, in_short(error))


def proxy_url(host: str, port: int) -> str:
    """Where clients of this node's proxy send requests."""
    shown = ray.util.get_node_ip_address() if host in ("0.0.0.0", "::") else host
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _runs(name: str) -> bool:
    try:
        ray.get_actor(name, namespace=NAMESPACE)
    except ValueError:
        return False
    return True


def _wait_until_ready(name: str, actor: Any) -> None:
    try:
        ray.get(actor.ready.remote(), timeout=START_S)
    except ray.exceptions.RayTaskError as error:
        cause = error.cause
        if isinstance(cause, ConfigError):
            raise cause from None
        raise
    except (RayError, TimeoutError) as error:
        raise LinkError(f"the scheduler {name!r} does not start: {in_short(error)}") from None


def _wait_until_served(url: str) -> None:
    """By a gateway: a Serve that runs already listens where it did."""
    until_s = time.monotonic() + SERVED_S
    while time.monotonic() < until_s:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=SERVED_S):
                return
        except OSError:
            time.sleep(0.1)
    raise LinkError(f"no gateway answers at {url}: a Serve that runs already in the cluster keeps its own host and port")
