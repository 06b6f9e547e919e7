"""The watch joins engines that answer and lets go of those that die; real sockets on this machine."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from thunderagent.adapters.engines.watch import EngineWatch
from thunderagent.errors import ConfigError

POLL_S = 0.02


class Engine:
    """A metrics page on a free port (a stand-in: the real engines' pages are parsed in ``test_capacity``)."""

    def __init__(self) -> None:
        self.blocks = 100
        self.port = 0

    async def start(self) -> str:
        app = web.Application()
        app.router.add_get("/metrics", self.metrics)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port).start()
        self.port = self.runner.addresses[0][1]
        return f"http://127.0.0.1:{self.port}"

    async def metrics(self, request: web.Request) -> web.Response:
        return web.Response(text=f'vllm:cache_config_info{{block_size="16",num_gpu_blocks="{self.blocks + 1}"}} 1.0\n')


async def until(condition: object, seen: list[tuple[str, object]]) -> None:
    async with asyncio.timeout(10):
        while condition not in seen:  # noqa: ASYNC110 - the watch tells by callback only
            await asyncio.sleep(POLL_S)


def test_an_engine_joins_changes_dies_and_comes_back() -> None:
    async def scenario() -> None:
        seen: list[tuple[str, object]] = []
        engine = Engine()
        url = await engine.start()
        watch = EngineWatch(
            [url], on_up=lambda u, c: seen.append(("up", c)), on_lost=lambda u: seen.append(("lost", u)), poll_s=POLL_S
        )
        await watch.start()
        assert seen == [("up", 1_600)]
        engine.blocks = 200
        await until(("up", 3_200), seen)
        await engine.runner.cleanup()
        await until(("lost", url), seen)
        seen.clear()
        await engine.start()
        await until(("up", 3_200), seen)
        await watch.stop()
        await engine.runner.cleanup()

    asyncio.run(scenario())


def test_a_fixed_capacity_wins_over_what_the_engine_says() -> None:
    async def scenario() -> None:
        seen: list[int | None] = []
        engine = Engine()
        url = await engine.start()
        watch = EngineWatch(
            [url], on_up=lambda u, c: seen.append(c), on_lost=lambda u: None, poll_s=POLL_S, fixed_capacity_tokens=7
        )
        await watch.start()
        await watch.stop()
        await engine.runner.cleanup()
        assert seen == [7]

    asyncio.run(scenario())


def test_when_no_engine_answers_the_address_is_named() -> None:
    watch = EngineWatch(["http://127.0.0.1:9"], on_up=lambda u, c: None, on_lost=lambda u: None, poll_s=POLL_S)
    with pytest.raises(ConfigError, match=r"http://127\.0\.0\.1:9: no engine answers there"):
        asyncio.run(watch.start())
