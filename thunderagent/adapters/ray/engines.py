"""Engines that are Ray actors: which there are, and their URLs. SkyRL's and slime's are such.

====================================  ===================================================================================
what is given                         engines
====================================  ===================================================================================
a name, or a beginning with ``*``     actors of that name, in any namespace
SkyRL's ``ServerGroup``               its actors
slime's ``ServerGroup``,              their engines; those of more than one node are reached at the first
``RolloutServer``
slime's ``RolloutManager``, an actor  the engines that get its weights, asked again and again: slime starts lost ones anew
actors                                they themselves
====================================  ===================================================================================
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol

import ray
from ray.exceptions import ActorDiedError, RayError

from thunderagent.errors import ConfigError

logger = logging.getLogger(__name__)

URL_METHODS = ("get_url", "get_server_info")
"""slime's and SkyRL's; the answer is the URL, has it as ``url``, or is None for nodes of an engine that serve nothing."""
MANAGER_METHOD = "get_updatable_engines_and_lock"
"""slime's; its first answer are the engines."""
LOOK_S = 2.0
"""Between two looks; engines take tens of seconds to start."""
ANSWER_S = 1.0
"""A look waits so long for actors; what one answers later is seen with the next look. Those of slime are busy while they work."""
ALL = "*"


class Workers(Protocol):
    """Engines that the scheduler has; each method returns at once."""

    async def add(self, url: str) -> None: ...
    async def drain(self, url: str) -> None: ...


def actors_of(given: Any) -> list[Any]:
    """The actors of what a framework calls its servers (see above); they can be sent to other actors.

    Raises:
        ConfigError: it is none of these.
    """
    if isinstance(given, ray.actor.ActorHandle):
        return [given]
    if isinstance(given, Iterable):
        return [actor for each in given for actor in actors_of(each)]
    if callable(getattr(given, "get_actors", None)):
        return list(given.get_actors())
    engines = getattr(given, "engines", None)
    if engines is None:
        raise ConfigError("engines", type(given).__name__, "must be Ray actors, or a server group of SkyRL or slime")
    return [engine for engine in engines if engine is not None]


class _Actor:
    """What one actor answered last. It may be busy for minutes, so there is one call, which waits."""

    def __init__(self, call: Callable[[], Awaitable[Any]]) -> None:
        self._call = call
        self._waiting: asyncio.Future[Any] | None = None
        self.answer: Any = None
        self.gone = False

    async def look(self) -> None:
        if self._waiting is None:
            self._waiting = asyncio.ensure_future(self._call())
        done, _ = await asyncio.wait((self._waiting,), timeout=ANSWER_S)
        if not done:
            return
        waiting, self._waiting = self._waiting, None
        try:
            self.answer, self.gone = waiting.result(), False
        except ActorDiedError:
            self.gone, self.answer = True, None
        except RayError as error:  # it is started anew, or its method failed: nothing is known to have changed
            logger.debug("an engine's actor does not tell its URL: %s", error)


class ActorEngines:
    """URLs of the engines that a set of actors are, or manage."""

    def __init__(self, actors: Sequence[Any]) -> None:
        self._actors = {actor: _Actor(_asking(actor)) for actor in actors}
        self._managed: dict[Any, ActorEngines] = {}

    def keep(self, actors: Iterable[Any]) -> None:
        """These are the actors now."""
        self._actors = {actor: self._actors.get(actor) or _Actor(_asking(actor)) for actor in actors}

    async def urls(self) -> list[str]:
        """Known by now; an actor that is busy or being started anew counts with what it told last, a dead one is gone."""
        await asyncio.gather(*(asked.look() for asked in self._actors.values()))
        urls: list[str] = []
        for actor, asked in self._actors.items():
            if _is_manager(actor):
                managed = self._managed.setdefault(actor, ActorEngines(()))
                managed.keep(asked.answer[0] if asked.answer else ())
                urls += await managed.urls()
            elif (url := _url(asked.answer)) is not None:
                urls.append(url)
        return urls

    @property
    def all_gone(self) -> bool:
        """Whether none of them will ever be there again."""
        return all(asked.gone for asked in self._actors.values())


class NamedEngines:
    """URLs of the engines that actors of some name are."""

    def __init__(self, pattern: str) -> None:
        """``pattern``: a name, or how names begin and ``*``."""
        self._pattern = pattern
        self._engines = ActorEngines(())
        self._handles: dict[tuple[str, str], Any] = {}

    async def urls(self) -> list[str]:
        """See ``ActorEngines``."""
        try:
            self._handles = await asyncio.to_thread(self._find)
        except RayError as error:
            logger.debug("Ray does not tell its actors: %s", error)
        self._engines.keep(self._handles.values())
        return await self._engines.urls()

    def _find(self) -> dict[tuple[str, str], Any]:
        found = {}
        for named in ray.util.list_named_actors(all_namespaces=True):
            key = named["namespace"], named["name"]
            if matches(self._pattern, named["name"]):
                try:
                    found[key] = ray.get_actor(named["name"], namespace=named["namespace"])
                except ValueError:  # gone since
                    continue
        return found


class EngineFollower:
    """Keeps the scheduler's engines in step with actors that come and go. On the scheduler's loop."""

    def __init__(self, workers: Workers, patterns: Iterable[str] = ()) -> None:
        self._workers = workers
        self._named = [NamedEngines(pattern) for pattern in patterns]
        self._joined: dict[str, ActorEngines] = {}
        self._known: set[str] = set()

    def join(self, job: str, actors: Sequence[Any]) -> None:
        """A job's engines; told again, they take the place of those that it told before, and none lets go of them."""
        if actors:
            self._joined[job] = ActorEngines(actors)
        else:
            self._joined.pop(job, None)

    async def look(self) -> None:
        """Ask, and take in what has changed."""
        sources: list[NamedEngines | ActorEngines] = [*self._named, *self._joined.values()]
        now = {url for urls in await asyncio.gather(*(source.urls() for source in sources)) for url in urls}
        for url in now - self._known:
            logger.info("the engine %s has joined", url)
            await self._workers.add(url)
        for url in self._known - now:
            logger.info("the engine %s has left", url)
            await self._workers.drain(url)
        self._known = now
        self._joined = {job: engines for job, engines in self._joined.items() if not engines.all_gone}

    async def follow(self) -> None:
        """For ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)


def matches(pattern: str, name: str) -> bool:
    """Whether an actor of this name is meant."""
    return name.startswith(pattern[:-1]) if pattern.endswith(ALL) else name == pattern


def _is_manager(actor: Any) -> bool:
    return hasattr(actor, MANAGER_METHOD)


def _asking(actor: Any) -> Callable[[], Awaitable[Any]]:
    method = next((name for name in (MANAGER_METHOD, *URL_METHODS) if hasattr(actor, name)), None)

    async def ask() -> Any:
        return None if method is None else await getattr(actor, method).remote()

    return ask


def _url(answer: Any) -> str | None:
    url = getattr(answer, "url", answer)
    return url.rstrip("/") if isinstance(url, str) and url else None
