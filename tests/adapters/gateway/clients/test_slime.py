"""slime's own client against the gateway in its router's place, before an embedded engine that speaks SGLang's dialect."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

pytest.importorskip("slime", reason="slime's source is not on the path")
pytest.importorskip("httpx")
pytest.importorskip("requests")

import httpx
import requests
from aiohttp import web
from slime.backends.sglang_utils.server_control import abort_servers_until_idle
from slime.utils import http_utils

from tests.adapters.engines.simulated.support import SPEC, TOKENIZER, Scripted
from tests.adapters.gateway.reliability.world import until
from thunderagent.adapters.engines.simulated import build_app
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.config import ThunderConfig
from thunderagent.serving import Serving
from thunderagent.simulation import SimulatedEngine

PROMPT = [7] * 3_000
"""Tokens; the engine holds 4,096."""


@asynccontextmanager
async def engine() -> AsyncIterator[str]:
    """In real time: it is at an answer for half a minute."""
    runner = web.AppRunner(
        build_app(SimulatedEngine(SPEC), Scripted("x" * 3_000), TOKENIZER, dialect="sglang"),
        handler_cancellation=True,
        shutdown_timeout=0.1,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def router(**thunder: Any) -> AsyncIterator[tuple[str, Serving]]:
    """The gateway before no engine yet, and slime's client as a rollout makes it."""
    settings = GatewaySettings(port=0, router_for="slime", drain_s=0)
    serving = Serving(ThunderConfig(engine_poll_s=0.05, **thunder), settings, [])
    ready, stop = asyncio.get_running_loop().create_future(), asyncio.Event()
    serves = asyncio.create_task(serving.run(ready.set_result, stop))
    http_utils._http_client = httpx.AsyncClient(timeout=httpx.Timeout(None), trust_env=False)
    try:
        yield await ready, serving
    finally:
        await http_utils._http_client.aclose()
        http_utils._http_client = None
        stop.set()
        await serves


def register(url: str, engine_url: str) -> None:
    """As ``SGLangEngine`` does it."""
    requests.post(f"{url}/workers", json={"url": engine_url, "worker_type": "regular"}).raise_for_status()


def unregister(url: str, engine_url: str) -> None:
    """The same, when it is shut down."""
    for worker in requests.get(f"{url}/workers").json()["workers"]:
        if worker["url"] == engine_url:
            requests.delete(f"{url}/workers/{worker['id']}").raise_for_status()


def generate(url: str, session_id: str) -> asyncio.Task[Any]:
    """As ``slime.rollout.sglang_rollout.generate`` does it."""
    payload = {"input_ids": PROMPT, "sampling_params": {"max_new_tokens": 1_000}, "return_logprob": True}
    return asyncio.create_task(http_utils.post(f"{url}/generate", payload, headers={"X-SMG-Routing-Key": session_id}))


def test_engines_come_and_go_and_the_end_of_a_rollout_takes_no_time() -> None:
    async def scenario() -> None:
        async with engine() as engine_url, router() as (url, serving):
            await asyncio.to_thread(register, url, engine_url)
            await until(lambda: serving.session.runtime.backends)
            pending = [generate(url, f"s{number}") for number in range(40)]
            scheduler = serving.session.runtime.scheduler
            await until(lambda: scheduler.waiting_turns == 39)

            began_s = time.monotonic()  # what follows is slime's abort()
            workers = await http_utils.get(f"{url}/workers")
            await abort_servers_until_idle([worker["url"] for worker in workers["workers"]])
            outputs = await asyncio.gather(*pending)

            reasons = [output["meta_info"]["finish_reason"]["type"] for output in outputs]
            assert reasons == ["abort"] * 40
            assert time.monotonic() - began_s < 3.0, "slime looks again after three seconds"
            await asyncio.to_thread(unregister, url, engine_url)
            await until(lambda: not serving.session.runtime.backends)
            assert scheduler.waiting_turns == 0

    asyncio.run(scenario())
