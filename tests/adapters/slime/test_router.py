"""slime's router tells which engines there are; what it tells is taken in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from thunderagent.adapters.engines.http import EngineHttp
from thunderagent.adapters.slime import router
from thunderagent.adapters.slime.router import Engines, RouterWatch, engines_behind, is_thunderagent
from thunderagent.errors import EngineProblem


class Router:
    """Answers what it is told to."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, Any]] = {}
        self.asked: list[str] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        status, body = self.pages.get(request.path, (404, "not found"))
        return web.json_response(body, status=status) if not isinstance(body, str) else web.Response(text=body, status=status)


class Workers:
    """What the scheduler was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    async def add(self, url: str) -> None:
        self.told.append(("add", url))

    async def drain(self, url: str) -> None:
        self.told.append(("drain", url))


def with_router(scenario: Callable[[Router], Awaitable[None]]) -> None:
    async def run() -> None:
        stand_in = Router()
        app = web.Application()
        app.router.add_get("/{path:.*}", stand_in.answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        stand_in.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            await scenario(stand_in)
        finally:
            await runner.cleanup()

    asyncio.run(run())


def workers(*urls: str, kind: str = "regular") -> tuple[int, Any]:
    return 200, {"workers": [{"id": url, "url": url, "worker_type": kind} for url in urls]}


def test_engines_are_read_as_sglangs_router_lists_them() -> None:
    async def scenario(stand_in: Router) -> None:
        stand_in.pages["/workers"] = (
            200,
            {"workers": [{"url": "http://a:1/"}, {"url": "http://a:1"}, {"url": "http://b:2"}, {}, 5]},
        )
        assert await engines_behind(EngineHttp(stand_in.url), stand_in.url) == Engines(("http://a:1", "http://b:2"), False)

    with_router(scenario)


@pytest.mark.parametrize("kind", ["prefill", "decode"])
def test_where_prefill_and_decode_are_apart_the_router_is_the_engine(kind: str) -> None:
    async def scenario(stand_in: Router) -> None:
        stand_in.pages["/workers"] = workers("http://a:1", kind=kind)
        assert await engines_behind(EngineHttp(stand_in.url), stand_in.url) == Engines((stand_in.url,), True)

    with_router(scenario)


@pytest.mark.parametrize("page", [(500, {"workers": []}), (200, {}), (200, []), (200, "<html>")])
def test_whatever_else_it_says_is_a_problem_and_no_crash(page: tuple[int, Any]) -> None:
    async def scenario(stand_in: Router) -> None:
        stand_in.pages["/workers"] = page
        with pytest.raises(EngineProblem, match=r"/workers is answered with status \d+, and no list of workers"):
            await engines_behind(EngineHttp(stand_in.url), stand_in.url)

    with_router(scenario)


def test_a_router_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(router, "TIMEOUT_S", 0.01)

    class Hangs:
        async def get(self, path: str) -> Any:
            await asyncio.get_running_loop().create_future()

    with pytest.raises(EngineProblem, match=r"/workers is not answered within 0\.01 s"):
        asyncio.run(engines_behind(Hangs(), "http://r"))  # type: ignore[arg-type]


def test_a_gateway_of_ours_is_known_without_asking_for_its_engines() -> None:
    async def scenario(stand_in: Router) -> None:
        http = EngineHttp(stand_in.url)
        assert not await is_thunderagent(http)
        stand_in.pages["/ready"] = (503, {"ready": False, "problems": ["no_backend_up"]})
        assert await is_thunderagent(http)
        stand_in.pages["/ready"] = (200, "ok")
        assert not await is_thunderagent(http)
        assert set(stand_in.asked) == {"/ready"}, "that would tell it that a rollout is over"

    with_router(scenario)


def test_engines_come_and_go_with_the_router() -> None:
    async def scenario(stand_in: Router) -> None:
        told = Workers()
        watch = RouterWatch(stand_in.url, Engines(("http://a:1", "http://b:2"), False), told)
        stand_in.pages["/workers"] = workers("http://b:2", "http://c:3")
        await watch.look()
        assert told.told == [("add", "http://c:3"), ("drain", "http://a:1")]
        await watch.look()
        assert len(told.told) == 2, "nothing has changed"

    with_router(scenario)


@pytest.mark.parametrize("page", [(200, {"workers": []}), (500, "broken")])
def test_a_router_that_knows_nothing_for_a_moment_changes_nothing(page: tuple[int, Any]) -> None:
    async def scenario(stand_in: Router) -> None:
        told = Workers()
        watch = RouterWatch(stand_in.url, Engines(("http://a:1",), False), told)
        stand_in.pages["/workers"] = page
        await watch.look()
        assert told.told == []

    with_router(scenario)


def test_it_is_asked_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(router, "LOOK_S", 0.0)

    async def scenario(stand_in: Router) -> None:
        told = Workers()
        watch = RouterWatch(stand_in.url, Engines((), False), told)
        stand_in.pages["/workers"] = workers("http://a:1")
        following = asyncio.create_task(watch.follow())
        while len(stand_in.asked) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        assert told.told == [("add", "http://a:1")]

    with_router(scenario)
