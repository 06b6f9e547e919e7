"""Schedulers of this process: one for each router."""

from __future__ import annotations

import asyncio
import threading
from argparse import Namespace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.adapters.slime.support import Fixed, World
from thunderagent.adapters import slime
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.slime import hosts
from thunderagent.adapters.slime.remote import RemoteHost
from thunderagent.adapters.slime.settings import settings_of
from thunderagent.adapters.tools.bubblewrap import why_not
from thunderagent.config import ThunderConfig
from thunderagent.embedded import EmbeddedGateway
from thunderagent.errors import ConfigError

PARAMS = {"max_new_tokens": 64}


def opened(args: Namespace) -> Any:
    return hosts.open_host(args, settings_of(args))


async def post(host: Any, args: Namespace, program: str, text: str = "hi") -> dict[str, Any]:
    """One turn, as a generate function sends it."""
    given = host.args_for(args, program)
    url = f"http://{given.sglang_router_ip}:{given.sglang_router_port}/generate"
    async with aiohttp.ClientSession() as http, http.post(url, json={"text": text, "sampling_params": PARAMS}) as answer:
        assert answer.status == 200, await answer.text()
        return dict(await answer.json())


def programs(host: Any) -> set[str]:
    return set(host._gateway.call(lambda serving: set(serving.session.runtime.scheduler.programs)))


def test_there_is_one_for_each_router_whoever_asks_first(outside: World) -> None:
    outside.engine()
    args = outside.args()
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(opened(args))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    async def on_a_loop() -> Any:
        return await hosts.host_of(args, settings_of(args))

    found += [asyncio.run(on_a_loop()), asyncio.run(on_a_loop())]
    assert len({id(host) for host in found}) == 1
    hosts.close_all()
    assert not found[0].alive


def test_a_program_is_released_or_kept_as_it_leaves(outside: World) -> None:
    outside.engine()
    args = outside.args()
    host = opened(args)

    async def turns() -> None:
        for program in ("train/1/a", "train/1/b", "train/1/c"):
            host.enter(program)
            await post(host, args, program)
        await host.leave("train/1/a", comes_back=False)
        await host.leave("train/1/b", comes_back=True)

    asyncio.run(turns())
    assert programs(host) == {"train/1/b", "train/1/c"}
    told = host.end_step("train/")
    assert (told["turns"], told["programs_left"], told["programs_kept"]) == (3, 0, 1)
    assert programs(host) == {"train/1/b", "train/1/c"}, "one is kept, one runs still"
    host._running.clear()
    assert host.end_step("train/")["programs_left"] == 1
    host.enter("train/1/b")
    asyncio.run(host.leave("train/1/b", comes_back=False))
    assert host.end_step("train/")["programs_kept"] == 0
    assert programs(host) == set()


@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_a_generate_function_has_a_sandbox_until_its_sample_is_over(outside: World, tmp_path: Path) -> None:
    outside.engine()
    args = outside.args()
    args.thunder = {"tools": {"backend": "bubblewrap", "folder": str(tmp_path / "boxes"), "setup": "echo ready > state"}}
    host = opened(args)

    async def scenario() -> None:
        host.enter("train/1/a b")
        await post(host, args, "train/1/a b")
        async with slime.program(host.args_for(args, "train/1/a b")) as program, program.sandbox() as sandbox:
            assert (await sandbox.execute("cat state")).text == "ready\n"
        assert programs(host) == {"train/1/a b"}, "it goes on"
        await host.leave("train/1/a b", comes_back=False)
        with pytest.raises(ConfigError, match="is no gateway"):
            async with slime.program(args):
                pass

    asyncio.run(scenario())
    hosts.close_all()
    assert list((tmp_path / "boxes").iterdir()) == []


def test_held_turns_of_training_are_answered_when_slime_aborts(outside: World) -> None:
    engine = outside.engine(Fixed("x" * 400), kv_capacity_tokens=1_000, time_scale=1.0)
    args = outside.args()
    host = opened(args)

    async def scenario() -> None:
        turns = [asyncio.create_task(post(host, args, f"train/{i}/a", "x" * 500)) for i in range(12)]
        while host._gateway.call(lambda serving: serving.session.runtime.scheduler.counters.turns) < len(turns):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        hosts.interrupt_all(True)
        done, running = await asyncio.wait(turns, timeout=0.2)
        assert len(done) == len(turns) - len(engine.calls("/generate")) > 0
        assert {turn.result()["meta_info"]["finish_reason"]["type"] for turn in done} == {"abort"}
        late = await post(host, args, "train/99/a")
        assert late["meta_info"]["finish_reason"]["type"] == "abort"
        hosts.interrupt_all(False)
        for turn in running:
            turn.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        assert (await post(host, args, "train/99/a"))["meta_info"]["finish_reason"]["type"] == "length"

    asyncio.run(scenario())


def test_engines_of_the_next_step_are_known_before_it(outside: World) -> None:
    first = outside.engine()
    args = outside.args()
    host = opened(args)
    second = outside.engine()
    outside.engines.remove(first)
    host.begin_step()
    urls = host._gateway.call(lambda serving: serving.session.engines.urls)
    assert second.url in urls


def test_slimes_arguments_without_a_router_are_no_error(caplog: pytest.LogCaptureFixture) -> None:
    hosts._warn_of_no_router.cache_clear()
    for _ in range(2):
        assert hosts.open_host(Namespace(), settings_of(None)) is None
    assert caplog.text.count("name no router") == 1


def test_a_router_that_is_down_is_tried_again_later(outside: World, monkeypatch: pytest.MonkeyPatch) -> None:
    outside.engine()
    args = outside.args()
    monkeypatch.setattr(outside, "port", 9)
    down = outside.args()
    assert opened(down) is None
    monkeypatch.setattr(hosts, "_start", lambda *_: pytest.fail("not within half a minute"))
    assert opened(down) is None
    monkeypatch.undo()
    monkeypatch.setattr(hosts, "AGAIN_S", 0.0)
    assert opened(down) is None
    assert opened(args) is not None, "another router"


def test_prefill_and_decode_apart_need_a_capacity(outside: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def apart(request: web.Request) -> web.Response:
        return web.json_response({"workers": [{"url": "http://a:1", "worker_type": "prefill"}]})

    async def serve() -> int:
        app = web.Application()
        app.router.add_get("/workers", apart)
        await outside._router.cleanup()
        outside._router = web.AppRunner(app)
        await outside._router.setup()
        await web.TCPSite(outside._router, "127.0.0.1", 0).start()
        port: int = outside._router.addresses[0][1]
        return port

    outside.port = outside.run(serve())
    with pytest.raises(ConfigError, match=r"thunder\.capacity_tokens=None: must be given where prefill and decode are apart"):
        opened(outside.args())
    host = opened(outside.args(thunder={"capacity_tokens": 1_000}))
    assert host._gateway.call(lambda serving: serving.session.engines.urls) == [f"http://127.0.0.1:{outside.port}"]


def test_a_router_that_schedules_already_is_only_told_the_programs(outside: World) -> None:
    engine = outside.engine()
    router = EmbeddedGateway(ThunderConfig(), GatewaySettings(port=0), [engine.url])
    args = outside.args(sglang_router_port=int(router.start().rpartition(":")[2]))
    try:
        host = opened(args)
        assert isinstance(host, RemoteHost)
        assert opened(args) is host
        host.begin_step()
        host.enter("train/1/a")
        asyncio.run(post(host, args, "train/1/a"))
        known = router.call(lambda serving: set(serving.session.runtime.scheduler.programs))
        assert known == {"train/1/a"}
        assert host.end_step("train/") == {"aborted_samples": 0, "failed_samples": 0}
    finally:
        router.stop()
