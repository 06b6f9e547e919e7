"""A scheduler that runs in the cluster already, as training jobs find it."""

from __future__ import annotations

from typing import Any

import ray
from ray.exceptions import RayError

from thunderagent.adapters.ray.dialling import find_actor, in_short
from thunderagent.adapters.ray.engines import actors_of
from thunderagent.errors import LinkError

NAMESPACE = "thunderagent"
"""Ray's, of schedulers: their names are unique in it."""
ANSWER_S = 30.0
"""For a call that an actor may get while it is started anew."""


def scheduler(name: str) -> Any:
    """The actor of a scheduler; ``ray.init`` has to have been called.

    Raises:
        LinkError: it is not there.
    """
    if not ray.is_initialized():
        raise LinkError(f"ray:{name} is a scheduler in a Ray cluster, and this process has not joined one (ray.init)")
    return find_actor(name, NAMESPACE)


def gateway_url(name: str) -> str:
    """Where the gateways of a scheduler are reached.

    Raises:
        LinkError: it is not there, or has none.
    """
    url = _ask(name, scheduler(name).gateway_url.remote())
    if not url:
        raise LinkError(f"the scheduler {name!r} has no gateways: deploy them (thunderagent.adapters.ray.deploy)")
    return str(url)


def share_engines(name: str, job: str, engines: Any) -> None:
    """Have the scheduler use a job's engines as long as they live.

    Args:
        name: of the scheduler.
        job: of whom they are; told again, the new ones take the place of the old; an empty list takes them away.
        engines: actors, a server group of SkyRL's or slime's, or slime's rollout manager (``engines``).

    Raises:
        LinkError: the scheduler is not there.
        ConfigError: these are no engines.
    """
    _ask(name, scheduler(name).join_engines.remote(job, actors_of(engines)))


def _ask(name: str, call: Any) -> Any:
    try:
        return ray.get(call, timeout=ANSWER_S)
    except (RayError, TimeoutError) as error:
        raise LinkError(f"the scheduler {name!r} does not answer: {in_short(error)}") from None
