"""The watch joins engines that answer and lets go of those that die; real sockets on this machine, time that moves by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from tests.adapters.hand_clock import HandClock
from thunderagent.adapters.engines.watch import LARGEST_PAGE_BYTES, EngineWatch
from thunderagent.errors import ConfigError

POLL_S = 1.0
NOBODY = "http://127.0.0.1:9"
PAGE = 'vllm:cache_config_info{{block_size="16",num_gpu_blocks="{blocks}"}} 1.0\n'


class Engine:
    """A metrics page on a free port (a stand-in: the real engines' pages are parsed in ``test_capacity``)."""

    def __init__(self) -> None:
        self.page = PAGE.format(blocks=101).encode()
        self.status = 200
        self.breaks_off = False
        self.hangs = False
        self.port = 0
        self.looks = 0
        self.released = asyncio.Event()

    async def start(self) -> str:
        app = web.Application()
        app.router.add_get("/metrics", self.metrics)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port).start()
        self.port = self.runner.addresses[0][1]
        return f"http://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        self.released.set()
        await self.runner.cleanup()

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        self.looks += 1
        if self.hangs:
            await self.released.wait()
        if not self.breaks_off:
            return web.Response(body=self.page, status=self.status)
        response = web.StreamResponse(headers={"Content-Length": str(len(self.page) + 100)})
        await response.prepare(request)
        await response.write(self.page)
        assert request.transport is not None
        request.transport.close()
        return response


class Fixture:
    """A watch and what it told."""

    def __init__(self, timeout_s: float = 5.0, fixed: int | None = None) -> None:
        self.clock = HandClock()
        self.told: list[tuple[str, object]] = []
        self.engines: list[Engine] = []
        self.timeout_s, self.fixed = timeout_s, fixed
        self.watch = self.make()

    def make(self, *urls: str) -> EngineWatch:
        self.watch = EngineWatch(
            urls,
            on_up=lambda url, capacity: self.told.append((url, capacity)),
            on_lost=lambda url: self.told.append((url, "lost")),
            poll_s=POLL_S,
            fixed_capacity_tokens=self.fixed,
            look_timeout_s=self.timeout_s,
            clock=self.clock,
            sleep=self.clock.sleep,
        )
        return self.watch

    async def engine(self) -> tuple[Engine, str]:
        engine = Engine()
        self.engines.append(engine)
        return engine, await engine.start()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - sockets take what time they take
                await asyncio.sleep(0)

    async def round(self, hanging: int = 0) -> None:
        """One more look at each engine; ``hanging`` of them are not answered."""
        sleeping = len(self.watch.urls) - hanging
        await self.until(lambda: self.clock.sleepers == sleeping)
        await self.clock.advance(POLL_S * 1.1)
        await self.until(lambda: self.clock.sleepers == sleeping)

    def problem(self, url: str) -> str | None:
        return next(status.problem for status in self.watch.statuses if status.url == url)


def run(scenario: Callable[[Fixture], Awaitable[None]], timeout_s: float = 5.0, fixed: int | None = None) -> None:
    async def whole() -> None:
        fixture = Fixture(timeout_s, fixed)
        try:
            await scenario(fixture)
        finally:
            await fixture.watch.stop()
            for engine in fixture.engines:
                await engine.stop()

    asyncio.run(whole())


def test_an_engine_joins_changes_dies_and_comes_back() -> None:
    async def scenario(fixture: Fixture) -> None:
        engine, url = await fixture.engine()
        await fixture.make(url).start()
        assert fixture.told == [(url, 1_600)]
        engine.page = PAGE.format(blocks=201).encode()
        await fixture.round()
        assert fixture.told[1:] == [(url, 3_200)]
        await engine.stop()
        await fixture.round()
        assert len(fixture.told) == 2, "one look may fall into a pause"
        await fixture.round()
        assert fixture.told[2:] == [(url, "lost")]
        assert not fixture.watch.statuses[0].up
        await engine.start()
        await fixture.round()
        assert len(fixture.told) == 3, "it may go on dying"
        await fixture.round()
        assert fixture.told[3:] == [(url, 3_200)]

    run(scenario)


def test_a_fixed_capacity_wins_over_what_the_engine_says() -> None:
    async def scenario(fixture: Fixture) -> None:
        engine, url = await fixture.engine()
        engine.page = b"no metrics"
        await fixture.make(url).start()
        assert fixture.told == [(url, 7)]
        assert fixture.problem(url) is None, "nothing was wanted of that page"

    run(scenario, fixed=7)


def test_when_no_engine_answers_the_address_is_named() -> None:
    async def scenario(fixture: Fixture) -> None:
        with pytest.raises(ConfigError, match=r"http://127\.0\.0\.1:9: no engine answers there"):
            await fixture.make(NOBODY).start()

    run(scenario)


def test_without_an_engine_at_the_start_one_joins_when_it_comes() -> None:
    async def scenario(fixture: Fixture) -> None:
        engine, url = await fixture.engine()
        await engine.stop()
        await fixture.make(url).start(required=False)
        assert fixture.told == []
        assert "Cannot connect" in str(fixture.problem(url))
        await engine.start()
        await fixture.round()
        assert fixture.told == [(url, 1_600)]

    run(scenario)


def test_engines_are_added_and_removed_while_it_runs() -> None:
    async def scenario(fixture: Fixture) -> None:
        _, first = await fixture.engine()
        _, second = await fixture.engine()
        watch = fixture.make()
        watch.add(first)
        await watch.start()
        watch.add(second)
        watch.add(second)
        await fixture.until(lambda: (second, 1_600) in fixture.told)
        assert watch.urls == [first, second]
        watch.remove(second)
        watch.remove(second)
        assert fixture.told == [(first, 1_600), (second, 1_600), (second, "lost")]
        await fixture.round()
        assert [status.url for status in watch.statuses] == [first]
        assert fixture.engines[1].looks == 1

    run(scenario)


def test_what_a_removed_engine_answers_late_is_not_told() -> None:
    async def scenario(fixture: Fixture) -> None:
        engine, url = await fixture.engine()
        engine.hangs = True
        starting = asyncio.create_task(fixture.make(url).start(required=False))
        await fixture.until(lambda: engine.looks == 1)
        fixture.watch.remove(url)
        engine.released.set()
        await starting
        assert (fixture.told, fixture.watch.statuses) == ([], [])

    run(scenario)


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        (b"", "tells no KV capacity"),
        (b"\x00\xff garbage {{{\n", "tells no KV capacity"),
        (b"<html><body>502</body></html>\n", "tells no KV capacity"),
        (b"sglang:max_total_num_tokens{} NaN\n", "tells no KV capacity"),
        (b"sglang:max_total_num_tokens{} 4", "breaks off"),
        (b'vllm:cache_config_info{block_size="16",num_gpu_b\n', "tells no KV capacity"),
    ],
)
def test_an_engine_that_says_nonsense_stays_up_with_the_capacity_that_it_had(page: bytes, problem: str) -> None:
    async def scenario(fixture: Fixture) -> None:
        engine, url = await fixture.engine()
        await fixture.make(url).start()
        good, engine.page = engine.page, page
        for _ in range(3):
            await fixture.round()
        assert fixture.told == [(url, 1_600)]
        status = fixture.watch.statuses[0]
        assert (status.up, status.capacity_tokens, status.problem) == (True, 1_600, f"/metrics {problem}")
        engine.page = good
        await fixture.round()
        assert fixture.problem(url) is None

    run(scenario)


def test_a_page_that_breaks_off_or_does_not_end_or_is_missing_is_tolerated_too() -> None:
    async def scenario(fixture: Fixture) -> None:
        engine, url = await fixture.engine()
        await fixture.make(url).start()
        engine.page, engine.breaks_off = PAGE.format(blocks=999).encode(), True
        await fixture.round()
        assert fixture.problem(url) == "/metrics breaks off"
        engine.breaks_off, engine.page = False, b"x" * (LARGEST_PAGE_BYTES + 1)
        await fixture.round()
        assert fixture.problem(url) == "/metrics does not end"
        engine.page, engine.status = PAGE.format(blocks=999).encode(), 404
        await fixture.round()
        assert fixture.problem(url) == "/metrics answers 404"
        assert fixture.told == [(url, 1_600)]

    run(scenario)


def test_an_engine_whose_metrics_are_server_errors_is_lost() -> None:
    async def scenario(fixture: Fixture) -> None:
        engine, url = await fixture.engine()
        await fixture.make(url).start()
        engine.status = 503
        await fixture.round()
        await fixture.round()
        assert fixture.told[1:] == [(url, "lost")]
        assert fixture.problem(url) == "/metrics answers 503"

    run(scenario)


def test_an_engine_that_never_told_its_capacity_joins_without_one() -> None:
    async def scenario(fixture: Fixture) -> None:
        engine, url = await fixture.engine()
        engine.page = b"up 1\n"
        await fixture.make(url).start()
        assert fixture.told == [(url, None)]

    run(scenario)


def test_a_page_that_hangs_delays_no_look_at_other_engines() -> None:
    async def scenario(fixture: Fixture) -> None:
        slow, slow_url = await fixture.engine()
        _, url = await fixture.engine()
        await fixture.make(slow_url, url).start()
        slow.hangs = True
        await fixture.clock.advance(POLL_S * 1.1)
        for n in range(2, 7):
            fixture.engines[1].page = PAGE.format(blocks=n).encode()
            await fixture.round(hanging=1)
            assert fixture.told[-1] == (url, (n - 1) * 16)
        assert slow.looks == 2

    run(scenario, timeout_s=60.0)


def test_a_page_that_hangs_is_given_up_and_its_engine_is_lost_in_time() -> None:
    async def scenario(fixture: Fixture) -> None:
        engine, url = await fixture.engine()
        await fixture.make(url).start()
        engine.hangs = True
        await fixture.round()
        await fixture.round()
        assert fixture.told[1:] == [(url, "lost")]
        assert fixture.problem(url) == "/metrics does not answer within 0.1 s"

    run(scenario, timeout_s=0.1)


def test_it_goes_on_whatever_those_do_that_it_tells() -> None:
    async def scenario(fixture: Fixture) -> None:
        engine, url = await fixture.engine()

        def on_up(url: str, capacity: int | None) -> None:
            fixture.told.append((url, capacity))
            raise RuntimeError("a bug elsewhere")

        await fixture.make(url).start(required=False)
        fixture.watch._on_up = on_up
        for n in (2, 3):
            engine.page = PAGE.format(blocks=n).encode()
            await fixture.round()
        assert [capacity for _, capacity in fixture.told] == [1_600, 16, 32]

    run(scenario)
