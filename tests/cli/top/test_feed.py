"""The feed is read over real sockets, and over outages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import ExitStack

import pytest
from aiohttp import web

from tests.adapters.gateway.manage.support import WITH_KEYS, Gateway
from tests.cli.top.gateway import Served, free_port
from thunderagent.adapters.gateway.manage.live import Question
from thunderagent.adapters.gateway.manage.snapshot import Snapshot
from thunderagent.cli.top import feed as feeds
from thunderagent.cli.top.feed import Feed, read
from thunderagent.errors import GatewayProblem

ASKED = Question(200, "state")


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "RETRY_S", 0.02)


def feed(port: int, key: str | None = None) -> Feed:
    return Feed(f"http://127.0.0.1:{port}", key, 0.1)


async def next_of(looks: AsyncIterator[Snapshot | str], kind: type) -> Snapshot | str:
    async with asyncio.timeout(20):
        while True:
            look = await anext(looks)
            if isinstance(look, kind):
                return look


def test_one_look_is_the_whole_snapshot() -> None:
    port = free_port()
    with Served(port):
        told = asyncio.run(feed(port).once(ASKED))
    assert read(told).mode == "thunder"
    assert json.loads(told)["engines"][0]["capacity_tokens"] == 10_000


def test_a_gateway_that_goes_away_is_told_once_and_read_again_when_it_is_back() -> None:
    port = free_port()

    async def scenario() -> None:
        looks = feed(port).follow(ASKED)
        with ExitStack() as first:
            first.enter_context(Served(port))
            assert isinstance(await next_of(looks, Snapshot), Snapshot)
            last = asyncio.create_task(next_of(looks, str))
            await asyncio.to_thread(first.close)
        assert f"http://127.0.0.1:{port}: nothing answers there" in str(await last)
        following = asyncio.create_task(anext(looks))  # nothing more is said of the same outage
        await asyncio.sleep(0.1)
        assert not following.done()
        with Served(port):
            async with asyncio.timeout(20):
                assert isinstance(await following, Snapshot)
            await looks.aclose()  # type: ignore[attr-defined]

    asyncio.run(scenario())


def test_where_there_has_never_been_a_gateway_there_is_an_error() -> None:
    async def scenario() -> None:
        with pytest.raises(GatewayProblem, match="nothing answers there"):
            await anext(feed(free_port()).follow(ASKED))
        with pytest.raises(GatewayProblem, match="nothing answers there"):
            await feed(free_port()).once(ASKED)

    asyncio.run(scenario())


def test_keys_are_sent_and_their_lack_is_told_in_the_words_of_the_gateway() -> None:
    port = free_port()

    async def scenario() -> None:
        for key in (None, "api-key"):
            with pytest.raises(GatewayProblem, match=r"this needs an admin key, .*\(401\)"):
                await feed(port, key).once(ASKED)
        await feed(port, "admin-key").once(ASKED)

    with Served(port, lambda: Gateway(settings=WITH_KEYS)):
        asyncio.run(scenario())


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (404, b"{}", r"there is no live feed \(404\)"),
        (500, b"<html>", "it answers with status 500"),
        (500, b"[]", "it answers with status 500"),
        (200, b"data: {}\n\n", "not what this version of thunderagent understands"),
        (200, b"x" * 2_000, "it sends no events of a gateway"),
    ],
)
def test_what_is_no_gateway_is_told_as_that(monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, told: str) -> None:
    monkeypatch.setattr(feeds, "MAX_EVENT_BYTES", 1_000)

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, body=body)

    async def scenario() -> None:
        app = web.Application()
        app.router.add_get("/live", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            with pytest.raises(GatewayProblem, match=told):
                await anext(feed(port).follow(ASKED))
        finally:
            await runner.cleanup()

    asyncio.run(scenario())


def test_a_gateway_that_falls_silent_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "SILENT_S", 0.05)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def scenario() -> None:
        port = free_port()
        async with await asyncio.start_server(silent, "127.0.0.1", port):
            with pytest.raises(GatewayProblem, match="does not answer in time"):
                await feed(port).once(ASKED)

    asyncio.run(scenario())
