"""The way to a scheduler that is a Ray actor: Ray knows where it runs, and starts it anew; turns go over a socket of its own.

A call of an actor costs milliseconds and much CPU in Ray's own processes; a frame over a socket costs a tenth of that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import ray
from ray.exceptions import RayError

from thunderagent.adapters.link.sockets import dialler
from thunderagent.adapters.link.transport import Dial, Link, Receiver
from thunderagent.errors import LinkError

ANSWER_S = 10.0
"""For an actor to answer: while it is started anew, which takes Ray a second or two, calls may wait."""


def dial_actor(name: str, namespace: str, on_host: Callable[[str], None] = lambda host: None) -> Dial:
    """Links to the scheduler of this name. Ray has to be connected. ``on_host``: told where it runs, with each new link."""

    async def dial(receiver: Receiver) -> Link:
        actor = await asyncio.to_thread(find_actor, name, namespace)
        try:
            async with asyncio.timeout(ANSWER_S):
                address = await actor.address.remote()
        except (RayError, TimeoutError) as error:
            raise LinkError(f"the scheduler {name!r} does not answer: {in_short(error)}") from None
        on_host(address.host)
        return await dialler(address)(receiver)

    return dial


def find_actor(name: str, namespace: str) -> Any:
    """The handle of a named actor. Blocks for a call to the cluster.

    Raises:
        LinkError: there is none.
    """
    try:
        return ray.get_actor(name, namespace=namespace)
    except ValueError:
        raise LinkError(f"there is no actor {name!r} in Ray's namespace {namespace!r}") from None
    except RayError as error:
        raise LinkError(f"Ray does not tell of the actor {name!r}: {in_short(error)}") from None


def in_short(error: BaseException) -> str:
    """Ray's messages are many lines."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__
