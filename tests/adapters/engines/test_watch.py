"""The watch joins engines that answer and lets go of those that die; real sockets on this machine, time that moves by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from tests.adapters.hand_clock import HandClock
from thunderagent.adapters.engines.engine import Call
from thunderagent.adapters.engines.http import LARGEST_PAGE_BYTES
from thunderagent.adapters.engines.reading import EngineKind
from thunderagent.adapters.engines.watch import EngineWatch
from thunderagent.errors import ConfigError

POLL_S = 1.0
LONGEST_PAUSE_S = 1.2
"""Jitter, and rounded up."""
NOBODY = "http://127.0.0.1:9"
PAGE = 'vllm:cache_config_info{{block_size="16",num_gpu_blocks="{blocks}"}} 1.0\n'


class Engine:
    """Pages on a free port (a stand-in: pages of real engines are read in ``test_vllm`` and ``test_sglang``)."""

    def __init__(self) -> None:
        self.page = PAGE.format(blocks=101).encode()
        self.status = 200
        self.breaks_off = False
        self.hangs = False
        self.others: dict[str, str] = {}
        """Pages beside ``/metrics``."""
        self.port = 0
        self.looks = 0
        """At ``/metrics``: one more than others, to find out what it is."""
        self.released = asyncio.Event()

    async def start(self) -> str:
        app = web.Application()
        app.router.add_get("/metrics", self.metrics)
        app.router.add_get("/{path:.*}", self.other)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port).start()
        self.port = self.runner.addresses[0][1]
        return f"http://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        self.released.set()
        await self.runner.cleanup()

    async def other(self, request: web.Request) -> web.Response:
        if request.path in self.others:
            return web.Response(text=self.others[request.path])
        raise web.HTTPNotFound

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

    def __init__(self, timeout_s: float = 5.0, fixed: int | None = None, kind: EngineKind | None = None) -> None:
        self.clock = HandClock()
        self.told: list[tuple[str, object]] = []
        self.engines: list[Engine] = []
        self.timeout_s, self.fixed, self.kind, self.per_rank = timeout_s, fixed, kind, False
        self.watch = self.make()

    def make(self, *urls: str) -> EngineWatch:
        self.watch = EngineWatch(
            urls,
            on_up=lambda backend, capacity, host: self.told.append((backend, capacity)),
            on_lost=lambda backend: self.told.append((backend, "lost")),
            on_cache_lost=lambda backend: self.told.append((backend, "cache lost")),
            on_doubt=lambda backend, healthy: self.told.append((backend, "trusted" if healthy else "doubted")),
            poll_s=POLL_S,
            kind=self.kind,
            per_rank=self.per_rank,
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
        await self.clock.advance(LONGEST_PAUSE_S)
        await self.until(lambda: self.clock.sleepers == sleeping)

    async def rounds(self, count: int) -> None:
        for _ in range(count):
            await self.round()

    def problem(self, url: str) -> str | None:
        return next(status.problem for status in self.watch.statuses if status.url == url)


def run(
    scenario: Callable[[Fixture], Awaitable[None]],
    timeout_s: float = 5.0,
    fixed: int | None = None,
    kind: EngineKind | None = None,
) -> None:
    async def whole() -> None:
        fixture = Fixture(timeout_s, fixed, kind)
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
        with pytest.raises(
            ConfigError, match=r"http://127\.0\.0\.1:9: no engine answers there.*\(Cannot connect to 127\.0\.0\.1:9: "
        ):
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
        assert fixture.engines[1].looks == 2, "what it is, and what it tells"

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


WRONG_PAGES = [
    (b"", "/metrics is empty"),
    (b"\x00\xff garbage {{{\n", "/metrics is no Prometheus text"),
    (b"<html><body>502</body></html>\n", "/metrics is HTML"),
    (b'{"detail": "Not Found"}\n', "/metrics is JSON"),
    (
        b'vllm:cache_config_info{block_size="16",num_gpu_blocks="999999999999"} 1.0\n',
        "/metrics tells a KV capacity that cannot be",
    ),
    (b'up 1\nvllm:cache_config_info{block_size="1', "/metrics breaks off"),
    (
        b'up 1\nvllm:cache_config_info{block_size="16",num_gpu_b\nup 1\n',
        '/metrics: vllm:cache_config_info{block_size="16",num_gpu_b is',
    ),
]


@pytest.mark.parametrize(("page", "problem"), WRONG_PAGES)
def test_an_engine_that_says_nonsense_keeps_its_capacity_but_gets_no_new_turns_after_a_while(page: bytes, problem: str) -> None:
    async def scenario(fixture: Fixture) -> None:
        engine, url = await fixture.engine()
        await fixture.make(url).start()
        good, engine.page = engine.page, page
        await fixture.rounds(2)
        assert fixture.told == [(url, 1_600)]
        await fixture.rounds(3)
        assert fixture.told[1:] == [(url, "doubted")]
        status = fixture.watch.statuses[0]
        assert (status.up, status.capacity_tokens, status.doubted) == (True, 1_600, True)
        assert str(status.problem).startswith(problem)
        engine.page = good
        await fixture.rounds(3)
        assert fixture.told[2:] == [(url, "trusted")]
        assert fixture.problem(url) is None

    run(scenario)


@pytest.mark.parametrize(("page", "problem"), WRONG_PAGES)
def test_an_engine_that_never_said_anything_else_does_not_join(page: bytes, problem: str) -> None:
    async def scenario(fixture: Fixture) -> None:
        engine, url = await fixture.engine()
        engine.page, good = page, engine.page
        await fixture.make(url).start(required=False)
        await fixture.rounds(4)
        assert fixture.told == []
        assert str(fixture.problem(url)).startswith(problem)
        engine.page = good
        await fixture.round()
        assert fixture.told == [(url, 1_600)]

    run(scenario)


def test_a_page_that_breaks_off_or_does_not_end_or_is_missing_is_wrong_too() -> None:
    async def scenario(fixture: Fixture) -> None:
        engine, url = await fixture.engine()
        await fixture.make(url).start()
        engine.page, engine.breaks_off = PAGE.format(blocks=999).encode(), True
        await fixture.round()
        assert fixture.problem(url) == "/metrics breaks off"
        engine.breaks_off, engine.page = False, b"x" * (LARGEST_PAGE_BYTES + 1)
        await fixture.round()
        assert fixture.problem(url) == "/metrics does not end"
        assert fixture.told == [(url, 1_600)]
        engine.page, engine.status = PAGE.format(blocks=999).encode(), 404
        await fixture.round()
        assert fixture.problem(url) == "/metrics answers 404"
        assert fixture.told == [(url, 1_600), (url, "doubted")]

    run(scenario)


def test_each_change_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(fixture: Fixture) -> None:
        engine, url = await fixture.engine()
        await fixture.make(url).start()
        engine.page, good = b"<html></html>", engine.page
        await fixture.rounds(6)
        engine.page = good
        await fixture.rounds(4)
        said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
        assert said == [
            f"engine {url}: /metrics is HTML; 1600 tokens are counted with as before",
            f"engine {url}: /metrics is HTML; it gets no new turns until it answers rightly",
            f"engine {url} answers rightly again",
        ]

    run(scenario)


def test_an_engine_of_another_kind_is_named_and_does_not_join() -> None:
    async def scenario(fixture: Fixture) -> None:
        _, url = await fixture.engine()
        await fixture.make(url).start(required=False)
        await fixture.rounds(2)
        assert fixture.told == []
        assert fixture.problem(url) == "it is vllm, not sglang, as it was configured"

    run(scenario, kind=EngineKind.SGLANG)


def test_an_engine_that_is_replaced_by_another_kind_is_read_as_that() -> None:
    async def scenario(fixture: Fixture) -> None:
        engine, url = await fixture.engine()
        await fixture.make(url).start()
        assert fixture.watch.statuses[0].kind is EngineKind.VLLM
        engine.page = b'up 1\nsglang:max_total_num_tokens{tp_rank="0"} 5000\n'
        await fixture.round()
        assert fixture.told == [(url, 1_600), (url, 5_000)]
        assert fixture.watch.statuses[0].kind is EngineKind.SGLANG

    run(scenario)


def test_what_an_engine_told_last_and_how_it_is_acted_on_can_be_asked_for() -> None:
    async def scenario(fixture: Fixture) -> None:
        engine, url = await fixture.engine()
        watch = fixture.make(url)
        assert (watch.reading(url), watch.engine(url)) == (None, None)
        await watch.start()
        reading, told = watch.reading(url), watch.engine(url)
        assert reading is not None
        assert told is not None
        assert (reading.capacity_tokens, told.drop_cache()) == (1_600, Call("/reset_prefix_cache"))
        assert watch.load(url) == watch.load(f"{url}#0") == reading.ranks[0]
        engine.page = b"<html>"
        await fixture.round()
        assert watch.reading(url) is reading, "the latest right one"
        assert (watch.reading(NOBODY), watch.engine(NOBODY), watch.load(NOBODY)) == (None, None, None)

    run(scenario)


def test_an_engine_that_was_started_anew_between_two_looks_has_lost_its_cache() -> None:
    async def scenario(fixture: Fixture) -> None:
        engine, url = await fixture.engine()
        first = engine.page
        engine.page = first + b"process_start_time_seconds 1.7e+09\n"
        await fixture.make(url).start()
        engine.page = first + b"process_start_time_seconds 1.8e+09\n"
        await fixture.rounds(3)
        assert fixture.told == [(url, 1_600), (url, "cache lost")]

    run(scenario)


def test_ranks_are_backends_for_hosts_that_can_send_turns_there() -> None:
    async def scenario(fixture: Fixture) -> None:
        engine, url = await fixture.engine()
        line = 'vllm:cache_config_info{{block_size="16",engine="{rank}",num_gpu_blocks="202"}} 1.0\n'
        engine.page = (line.format(rank=0) + line.format(rank=1)).encode()
        fixture.per_rank = True
        watch = fixture.make(url)
        await watch.start()
        watch.remove(url)
        assert fixture.told == [(f"{url}#0", 1_600), (f"{url}#1", 1_600), (f"{url}#0", "lost"), (f"{url}#1", "lost")]

    run(scenario)


def test_with_a_fixed_capacity_an_engine_only_has_to_answer_somewhere() -> None:
    async def scenario(fixture: Fixture) -> None:
        engine, url = await fixture.engine()
        engine.status = 500
        engine.others["/health"] = ""
        await fixture.make(url).start()
        assert fixture.told == [(url, 7)]
        await fixture.rounds(3)
        await engine.stop()
        await fixture.rounds(2)
        assert fixture.told == [(url, 7), (url, "lost")]

    run(scenario, fixed=7)


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
        await fixture.clock.advance(LONGEST_PAUSE_S)
        for n in range(2, 7):
            fixture.engines[1].page = PAGE.format(blocks=n).encode()
            await fixture.round(hanging=1)
            assert fixture.told[-1] == (url, (n - 1) * 16)
        assert slow.looks == 3

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

        def on_up(url: str, capacity: int | None, host_tokens: int) -> None:
            fixture.told.append((url, capacity))
            raise RuntimeError("a bug elsewhere")

        await fixture.make(url).start(required=False)
        fixture.watch._on_up = on_up
        for n in (2, 3):
            engine.page = PAGE.format(blocks=n).encode()
            await fixture.round()
        assert [capacity for _, capacity in fixture.told] == [1_600, 16, 32]

    run(scenario)


def test_a_bug_of_ours_in_reading_ends_no_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(fixture: Fixture) -> None:
        _, url = await fixture.engine()
        await fixture.make(url).start()
        with monkeypatch.context() as patch:
            patch.setattr("thunderagent.adapters.engines.vllm.share", None)
            await fixture.round()
        assert fixture.problem(url) == "could not be read: TypeError"
        await fixture.round()
        assert (fixture.problem(url), fixture.told) == (None, [(url, 1_600)])

    run(scenario)
