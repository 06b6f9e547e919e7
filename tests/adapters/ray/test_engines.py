"""Engines that are actors, before a real Ray."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest

from tests.adapters.ray.conftest import NAMESPACE
from thunderagent.errors import ConfigError

ray = pytest.importorskip("ray")

from thunderagent.adapters.ray.engines import ActorEngines, EngineFollower, actors_of, matches  # noqa: E402


@dataclass
class ServerInfo:
    """SkyRL's."""

    ip: str
    port: int

    @property
    def url(self) -> str:
        return f"http://{self.ip}:{self.port}"


@ray.remote(num_cpus=0)
class SkyRLServer:
    async def get_server_info(self) -> ServerInfo:
        return ServerInfo("10.0.0.1", 8000)


@ray.remote(num_cpus=0)
class SGLangEngine:
    """slime's: a call at a time."""

    def __init__(self, url: str | None) -> None:
        self._url = url

    def get_url(self) -> str | None:
        return self._url


@ray.remote(num_cpus=0, max_concurrency=2)
class RolloutManager:
    """slime's."""

    def __init__(self, engines: list[Any]) -> None:
        self._engines = engines
        self._free = threading.Event()
        self._free.set()

    def get_updatable_engines_and_lock(self) -> Any:
        self._free.wait()
        return self._engines, None, 0, [], [], []

    def have(self, engines: list[Any]) -> None:
        self._engines = engines

    def be_busy(self, busy: bool) -> None:
        (self._free.clear if busy else self._free.set)()


class Workers:
    def __init__(self) -> None:
        self.urls: set[str] = set()

    async def add(self, url: str) -> None:
        self.urls.add(url)

    async def drain(self, url: str) -> None:
        self.urls.remove(url)


def in_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def run(*args: Any, **options: Any) -> None:
        async def patiently() -> None:
            async with asyncio.timeout(60):
                await test(*args, **options)

        asyncio.run(patiently())

    return run


async def seen(follower: EngineFollower, workers: Workers, urls: set[str]) -> None:
    """Look until it is so: actors start and die when Ray gets to it."""
    while workers.urls != urls:
        await follower.look()


@in_a_loop
async def test_actors_of_a_name_join_and_leave(local_ray: None) -> None:
    workers = Workers()
    follower = EngineFollower(workers, ["fleet-a-*", "single"])
    first, second, other = (
        SGLangEngine.options(name=name, namespace=NAMESPACE).remote(f"http://{name}:1/")
        for name in ("fleet-a-1", "single", "fleet-b-1")
    )
    await seen(follower, workers, {"http://fleet-a-1:1", "http://single:1"})
    third = SGLangEngine.options(name="fleet-a-2", namespace=NAMESPACE).remote("http://fleet-a-2:1")
    await seen(follower, workers, {"http://fleet-a-1:1", "http://single:1", "http://fleet-a-2:1"})
    ray.kill(first)
    await seen(follower, workers, {"http://single:1", "http://fleet-a-2:1"})
    for actor in (second, other, third):
        ray.kill(actor)
    await seen(follower, workers, set())


@in_a_loop
async def test_a_jobs_engines_leave_with_it(local_ray: None) -> None:
    workers = Workers()
    follower = EngineFollower(workers)
    skyrl, slime, silent = SkyRLServer.remote(), SGLangEngine.remote("http://10.0.0.2:1"), SGLangEngine.remote(None)
    follower.join("skyrl", [skyrl])
    follower.join("slime", [slime, silent])
    await seen(follower, workers, {"http://10.0.0.1:8000", "http://10.0.0.2:1"})
    follower.join("slime", [])
    await seen(follower, workers, {"http://10.0.0.1:8000"})
    ray.kill(skyrl)
    await seen(follower, workers, set())
    await follower.look()
    assert follower._joined == {}


@in_a_loop
async def test_slimes_manager_is_asked_again_and_may_be_busy(local_ray: None) -> None:
    workers = Workers()
    follower = EngineFollower(workers)
    first, second = SGLangEngine.remote("http://10.0.0.1:1"), SGLangEngine.remote("http://10.0.0.2:1")
    manager = RolloutManager.remote([first])
    follower.join("slime", [manager])
    await seen(follower, workers, {"http://10.0.0.1:1"})
    await manager.be_busy.remote(True)
    await manager.have.remote([second])
    for _ in range(2):
        await follower.look()
        assert workers.urls == {"http://10.0.0.1:1"}
    await manager.be_busy.remote(False)
    await seen(follower, workers, {"http://10.0.0.2:1"})


@in_a_loop
async def test_an_actor_that_tells_no_url_is_no_engine(local_ray: None) -> None:
    @ray.remote(num_cpus=0)
    class Other:
        async def hello(self) -> str:
            return "http://10.0.0.1:1"

    assert await ActorEngines([Other.remote()]).urls() == []


def test_groups_of_frameworks_are_their_actors(local_ray: None) -> None:
    actor, other = SGLangEngine.remote("a"), SGLangEngine.remote("b")

    class SkyRLGroup:
        def get_actors(self) -> list[Any]:
            return [actor, other]

    class SlimeGroup:
        engines = (actor, None)

    assert actors_of(SkyRLGroup()) == [actor, other]
    assert actors_of(SlimeGroup()) == [actor]
    assert actors_of(actor) == [actor]
    assert actors_of([SlimeGroup(), other]) == [actor, other]
    with pytest.raises(ConfigError, match=r"engines=int: must be Ray actors, or a server group of SkyRL or slime"):
        actors_of(3)


@pytest.mark.parametrize(("pattern", "name", "so"), [("a", "a", True), ("a", "ab", False), ("a*", "ab", True), ("*", "x", True)])
def test_names_match_whole_or_as_a_beginning(pattern: str, name: str, so: bool) -> None:
    assert matches(pattern, name) is so
