"""SGLang's answers show the version of its weights: with another one, the KV cache of its engine is gone."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.adapters.engines.simulated.support import SPEC, TOKENIZER, Scripted
from tests.adapters.gateway.reliability import apis
from tests.adapters.gateway.reliability.behaviours import SSE_HEAD, chunk
from tests.adapters.gateway.reliability.fake_engine import Behaviour, Visit
from tests.adapters.gateway.reliability.watched import watched_world
from tests.adapters.gateway.reliability.world import World, on_loop, until
from thunderagent.adapters.engines.simulated import build_app
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.config import ThunderConfig
from thunderagent.serving import Serving
from thunderagent.simulation import SimulatedEngine


def with_weights(*versions: Any) -> Behaviour:
    """Answer with these versions, one after the other; None: it tells none."""
    left = list(versions)

    async def answering(visit: Visit) -> None:
        meta_info = {"prompt_tokens": 40, "completion_tokens": 5, "cached_tokens": 0, "finish_reason": {"type": "stop"}}
        if (version := left.pop(0)) is not None:
            meta_info["weight_version"] = version
        whole = json.dumps({"text": "hi", "meta_info": meta_info}).encode()
        if visit.stream:
            await visit.write(SSE_HEAD + chunk(b"data: " + whole + b"\n\ndata: [DONE]\n\n") + b"0\r\n\r\n")
            visit.end()
        else:
            visit.respond(200, whole)

    return answering


def lost(here: World) -> int:
    """How often the engine's KV cache was lost."""
    return here.runtime.scheduler.ledger.backends[here.engine.url].epoch - 1


@pytest.mark.parametrize("stream", [False, True])
@on_loop
async def test_another_version_than_before_loses_the_cache_once(stream: bool) -> None:
    async with watched_world(with_weights("default", "default", "1", None, "1", "2")) as here:
        seen = []
        for _ in range(6):
            assert (await here.ask(apis.GENERATE, stream=stream, program_id="p")).status == 200
            seen.append(lost(here))
        assert seen == [0, 0, 1, 1, 1, 2]


@on_loop
async def test_what_is_no_version_changes_nothing() -> None:
    async with watched_world(with_weights("1", 7, {"a": 1}, "1")) as here:
        for _ in range(4):
            assert (await here.ask(apis.GENERATE)).status == 200
        assert lost(here) == 0


@on_loop
async def test_looks_and_answers_of_an_engine_that_gets_new_weights_lose_its_cache_once() -> None:
    app = build_app(SimulatedEngine(SPEC), Scripted("hello"), TOKENIZER, dialect="sglang", time_scale=1_000.0)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    engine = f"http://127.0.0.1:{runner.addresses[0][1]}"
    serving = Serving(ThunderConfig(engine_poll_s=0.02), GatewaySettings(port=0, drain_s=0), [engine])
    ready, stop = asyncio.get_running_loop().create_future(), asyncio.Event()
    serves = asyncio.create_task(serving.run(ready.set_result, stop))
    async with aiohttp.ClientSession() as http:

        async def version() -> str:
            async with http.post(f"{url}/generate", json={"text": "one", "program_id": "p"}) as answer:
                return str((await answer.json())["meta_info"]["weight_version"])

        url = await ready
        backend = serving.session.runtime.scheduler.ledger.backends[engine]
        before = backend.epoch
        assert await version() == "default"
        for number in range(1, 4):
            await http.post(f"{engine}/update_weight_version", json={"new_version": str(number)})
            assert await version() == str(number)
            looks = serving.session.engines.reading(engine)
            await until(lambda looks=looks: serving.session.engines.reading(engine) is not looks)
            assert backend.epoch == before + number
    stop.set()
    await serves
    await runner.cleanup()
