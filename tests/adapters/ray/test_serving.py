"""Scheduler and gateways in a real Ray, before embedded engines: streams, clients that leave, and a scheduler that is killed."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

ray = pytest.importorskip("ray")
pytest.importorskip("grpc")

from recipes.serve.config import EngineConfig  # noqa: E402
from recipes.serve_ray.engines import DIALECT, start_engines  # noqa: E402
from thunderagent.adapters.gateway.settings import GatewaySettings  # noqa: E402
from thunderagent.adapters.ray.deploying import deploy, end  # noqa: E402
from thunderagent.adapters.ray.finding import gateway_url, share_engines  # noqa: E402
from thunderagent.adapters.ray.gateways import GatewaySetup  # noqa: E402
from thunderagent.adapters.ray.scheduler import SchedulerSetup  # noqa: E402
from thunderagent.config import ThunderConfig  # noqa: E402
from thunderagent.errors import ConfigError, LinkError  # noqa: E402
from thunderagent.tools_config import ToolsConfig  # noqa: E402

NAME = "under-test"
PATIENCE_S = 60.0
FAST, SLOW = EngineConfig(time_scale=50.0), EngineConfig(time_scale=0.5)


@dataclass
class Served:
    url: str
    actor: Any
    http: aiohttp.ClientSession

    async def chat(self, text: str, program: str, **more: Any) -> aiohttp.ClientResponse:
        body = {"model": "simulated", "messages": [{"role": "user", "content": text}], "program_id": program, **more}
        return await self.http.post(f"{self.url}/v1/chat/completions", json=body)

    async def get(self, path: str) -> Any:
        async with self.http.get(self.url + path) as answer:
            return await answer.json()

    async def until(self, path: str, condition: Callable[[Any], bool]) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            while not condition(told := await self.get(path)):  # noqa: ASYNC110 - in other processes
                await asyncio.sleep(0.05)
        return told


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


PORT = free_port()
"""Serve's proxy keeps its own for all tests of this process."""


@pytest.fixture(scope="module")
def ray_serve(local_ray: None) -> Iterator[None]:
    yield
    from ray import serve

    serve.shutdown()


@asynccontextmanager
async def serving(engine: EngineConfig = FAST, engines: int = 1, **gateway: Any) -> AsyncIterator[Served]:
    """All of it; ends in an orderly way."""
    settings = GatewaySettings(port=PORT, drain_s=10.0)

    def start() -> tuple[Any, str, Any]:
        actors, names = start_engines(NAME, engine, engines, loopback=True)
        setup = SchedulerSetup(ThunderConfig(), settings, (), (names,), DIALECT, loopback=True)
        url = deploy(NAME, setup, GatewaySetup(NAME, settings, num_cpus=0, **gateway), host="127.0.0.1", port=PORT, num_cpus=0)
        return actors, url, ray.get_actor(NAME, namespace="thunderagent")

    actors, url, actor = await asyncio.to_thread(start)
    try:
        async with aiohttp.ClientSession() as http:
            served = Served(url, actor, http)
            await served.until("/ready", lambda told: told["ready"])
            yield served
    finally:
        await asyncio.to_thread(end, NAME)
        for each in actors:
            ray.kill(each)


def in_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def run(*args: Any, **options: Any) -> None:
        async def patiently() -> None:
            async with asyncio.timeout(3 * PATIENCE_S):
                await test(*args, **options)

        asyncio.run(patiently())

    return run


@in_a_loop
async def test_streams_stream_a_client_that_leaves_ends_its_turn_and_a_drain_waits_for_the_rest(ray_serve: None) -> None:
    async with serving(SLOW) as served:
        began_s = time.monotonic()
        answer = await served.chat("x" * 200, "leaves", stream=True)
        assert answer.headers["x-thunder-backend"].startswith("http://127.0.0.1:")
        await answer.content.readany()
        first_s = time.monotonic() - began_s
        running = await served.until("/programs", lambda told: told["leaves"]["running_turns"] == 1)
        assert running["leaves"]["status"] == "reasoning"
        answer.close()
        await served.until("/programs", lambda told: told["leaves"]["running_turns"] == 0)
        left_s = time.monotonic() - began_s
        last = await served.chat("x" * 200, "stays", stream=True)
        whole = asyncio.create_task(last.read())
        await served.until("/programs", lambda told: told["stays"]["running_turns"] == 1)
        await asyncio.to_thread(end, NAME)  # twice does no harm
        assert b"[DONE]" in await whole
        whole_s = time.monotonic() - began_s - left_s
        assert first_s < whole_s and left_s < whole_s


@pytest.mark.parametrize("kill", ["SIGKILL", "ray.kill"])
@in_a_loop
async def test_programs_go_on_when_the_scheduler_is_killed_under_load(ray_serve: None, kill: str) -> None:
    programs, turns = 12, 25

    async with serving(engines=2) as served:
        done = 0

        async def program(name: str) -> None:
            nonlocal done
            for turn in range(turns):
                answer = await served.chat("x" * 100, name, stream=bool(turn % 2))
                assert answer.status == 200, await answer.text()
                assert await answer.read()
                done += 1

        running = [asyncio.create_task(program(f"p{n}")) for n in range(programs)]
        while done < programs * turns / 4:  # noqa: ASYNC110 - clients of their own pace
            await asyncio.sleep(0.01)
        before = await served.actor.pid.remote()
        if kill == "SIGKILL":
            os.kill(before, signal.SIGKILL)
        else:
            ray.kill(served.actor, no_restart=False)
        await asyncio.gather(*running)
        assert done == programs * turns
        ready = await served.until("/ready", lambda told: told.get("scheduler") != "lost")
        assert ready["ready"]
        assert await served.actor.pid.remote() != before
        answer = await served.chat("x", "after")
        assert answer.status == 200
        told = await served.get("/programs")
        assert told["after"]["step_count"] == 1
        assert all(program["running_turns"] == program["waiting_turns"] == 0 for program in told.values())


@in_a_loop
async def test_gateways_grow_with_the_turns_in_flight(ray_serve: None) -> None:
    from ray import serve

    def gateways() -> int:
        states = serve.status().applications[NAME].deployments["Gateway"].replica_states
        return int(states.get("RUNNING", 0))

    async with serving(SLOW, max_replicas=2, turns_per_replica=2) as served:
        assert await asyncio.to_thread(gateways) == 1
        held = [asyncio.create_task(served.chat("x" * 1_000, f"p{n}")) for n in range(8)]
        async with asyncio.timeout(PATIENCE_S):
            while await asyncio.to_thread(gateways) < 2:  # noqa: ASYNC110 - Serve tells nobody
                await asyncio.sleep(0.2)
        for request in held:
            request.cancel()
        told = await served.until("/programs", lambda told: not any(program["running_turns"] for program in told.values()))
        assert len(told) <= 8


@in_a_loop
async def test_jobs_find_the_gateways_and_share_their_engines(ray_serve: None) -> None:
    async with serving() as served:
        assert await asyncio.to_thread(gateway_url, NAME) == served.url
        with pytest.raises(ConfigError, match=f"name={NAME}: is a scheduler that runs in this cluster already"):
            setup = SchedulerSetup(ThunderConfig(), GatewaySettings())
            await asyncio.to_thread(
                functools.partial(deploy, NAME, setup, GatewaySetup(NAME, GatewaySettings()), host="127.0.0.1", port=PORT)
            )
        more, _ = await asyncio.to_thread(functools.partial(start_engines, "of-a-job", FAST, 1, loopback=True))
        await asyncio.to_thread(share_engines, NAME, "job", more)
        await served.until("/workers", lambda told: sum(worker["healthy"] for worker in told["workers"]) == 2)
        ray.kill(more[0])
        await served.until("/workers", lambda told: told["total"] == 1)


def test_a_scheduler_that_is_not_there_is_named(ray_serve: None) -> None:
    with pytest.raises(LinkError, match="no actor 'nobody' in Ray's namespace 'thunderagent'"):
        gateway_url("nobody")
    with pytest.raises(LinkError, match="no actor 'nobody'"):
        share_engines("nobody", "job", [])


def test_a_scheduler_that_cannot_run_so_is_told_in_words_and_leaves_nothing(ray_serve: None) -> None:
    tools = ToolsConfig(backend="callable", factory="nowhere.at_all:Tools")
    setup = SchedulerSetup(ThunderConfig(), GatewaySettings(), tools=tools, loopback=True)
    with pytest.raises(ConfigError, match=r"nowhere\.at_all:Tools: cannot be imported"):
        deploy("cannot", setup, GatewaySetup("cannot", GatewaySettings()), host="127.0.0.1", port=PORT, num_cpus=0)
    with pytest.raises(LinkError, match="no actor 'cannot'"):
        gateway_url("cannot")
