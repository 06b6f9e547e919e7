"""Images that were pulled for sandboxes: the engine itself remembers which, so that any later process knows.

Each gets a second name, ``thunderagent.pulled/<its name in base 32>``, which holds for the very image that was pulled.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
from typing import Any
from weakref import WeakValueDictionary

from aiodocker import Docker

from thunderagent.adapters.tools.docker.engine import Engine, EngineProblem

logger = logging.getLogger(__name__)
PULLED = "thunderagent.pulled/"
LONGEST_NAME = 255
"""Of a repository, on both engines."""
NAME = re.compile(r"[A-Za-z0-9][\w.\-/:@+]*", re.ASCII)
"""What may be in the path of a question. Engines are stricter."""


class Images:
    """Of one engine."""

    def __init__(self, engine: Engine) -> None:
        """``engine`` has them."""
        self._engine = engine
        self._pulls = WeakValueDictionary[str, asyncio.Lock]()

    async def pull(self, image: str) -> None:
        """Have it there, as one that is ours to remove if it was not there yet.

        Raises:
            EngineProblem: that fails; permanently, where the registry does not have it.
        """
        async with self._pulls.setdefault(image, asyncio.Lock()):
            if await self._inspect(image) is not None:
                return
            try:
                await self._engine.ask(lambda docker: docker.images.pull(image))
            except EngineProblem as problem:
                permanent = problem.permanent or problem.status == 404
                message = f"image {image!r} cannot be pulled: {problem}"
                raise EngineProblem(message, problem.status, permanent=permanent) from problem
            await self._remember(image)

    async def pulled_bytes(self, image: str) -> int:
        """Of one that was pulled; 0: it is not ours."""
        found = await self._inspect(_second_name(image))
        return 0 if found is None else int(found["Size"])

    async def pulled(self) -> dict[str, int]:
        """All that were, with their sizes."""
        listed = await self._engine.ask(lambda docker: docker.images.list(), again=True)
        names = [(name, int(image["Size"])) for image in listed for name in image.get("RepoTags") or ()]
        return {_first_name(name): size for name, size in names if name.startswith(PULLED)}

    async def remove(self, image: str) -> bool:
        """Whether it is gone, if it was ours; False: it is used."""
        second = _second_name(image)
        ours, named = await self._inspect(second), await self._inspect(image)
        if ours is None:
            return True
        users = {"all": "1", "filters": json.dumps({"ancestor": [ours["Id"].removeprefix("sha256:")]})}  # podman takes no prefix
        if await self._engine.ask(lambda docker: docker.containers.list(**users), again=True):
            return False
        if named is not None and named["Id"] == ours["Id"]:  # else somebody has pulled another one since
            await self._delete(image)
        if await self._delete(second):
            return True
        if "@" not in image:
            await self._tag(second, image)  # somebody came in between
        return False

    async def _remember(self, image: str) -> None:
        second = _second_name(image)
        if len(second) > LONGEST_NAME:
            logger.warning("image %s stays: its name is too long to remember that it was pulled for sandboxes", image)
            return
        await self._tag(image, second)

    async def _tag(self, image: str, name: str) -> None:
        repository, tag = _parts(name)
        await self._engine.ask(lambda docker: docker.images.tag(image, repository, tag=tag), again=True)

    async def _delete(self, name: str) -> bool:
        try:
            await self._engine.ask(lambda docker: docker.images.delete(name), again=True)
        except EngineProblem as problem:
            if problem.status == 409:
                return False
            if problem.status != 404:
                raise
        return True

    async def _inspect(self, name: str) -> dict[str, Any] | None:
        def inspect(docker: Docker) -> Any:
            return docker.images.inspect(name)

        if len(name) > LONGEST_NAME:
            return None
        try:
            found: dict[str, Any] = await self._engine.ask(inspect, again=True)
        except EngineProblem as problem:
            if problem.status == 404:
                return None
            raise
        return found


def check_name(image: str) -> None:
    """Whether it can be one at all.

    Raises:
        EngineProblem: it cannot.
    """
    if not NAME.fullmatch(image) or ".." in image:
        raise EngineProblem(
            f"{image!r} is no name of an image, such as python:3.12 or registry.example/team/name:tag", permanent=True
        )


def _second_name(image: str) -> str:
    return PULLED + base64.b32encode(image.encode()).decode().rstrip("=").lower()


def _first_name(second: str) -> str:
    text = second.removeprefix(PULLED).rpartition(":")[0].upper()
    return base64.b32decode(text + "=" * (-len(text) % 8)).decode()


def _parts(name: str) -> tuple[str, str | None]:
    """Repository and tag; the colon of a port is no tag's."""
    repository, colon, tag = name.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (name, None)
