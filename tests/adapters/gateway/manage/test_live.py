"""``/live.json`` tells what happens now, and ``/live`` goes on telling it for as long as somebody watches."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests import simulated_time
from thunderagent.adapters.gateway.manage import live
from thunderagent.core import CapPolicy, DefaultPolicy

from .support import ADMIN, API, WITH_KEYS, A, B, Gateway, Told, run


class Watcher:
    """A client of ``/live``; it reads at once, or not at all."""

    def __init__(self, app: Any, query: str = "", *, reads: bool = True) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.chunks: list[bytes] = []
        self._left = asyncio.Event()
        self._asked, self._reads = False, reads
        self.answer = asyncio.ensure_future(app(_scope(query), self._receive, self._send))

    @property
    def events(self) -> list[Any]:
        return [json.loads(chunk[6:]) for chunk in self.chunks if chunk.startswith(b"data: ")]

    def leave(self) -> None:
        self._left.set()

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            return
        if not self._reads:
            await asyncio.Event().wait()
        self.chunks.append(message["body"])


def _scope(query: str, method: str = "GET") -> dict[str, Any]:
    path = {"path": "/live", "raw_path": b"/live", "query_string": query.encode(), "headers": []}
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "server": ("a", 1),
        "client": ("a", 2),
    } | path


async def counted(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with every snapshot that is made."""
    made: list[int] = []
    whole = live.snapshot

    def counting(gateway: Any, limit: int, sort: str) -> Any:
        made.append(limit)
        return whole(gateway, limit, sort)

    monkeypatch.setattr(live, "snapshot", counting)
    return made


def test_a_snapshot_tells_of_totals_engines_and_programs() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        gateway.watch.loads[A] = Told(usage=0.5, queried_tokens=400, hit_tokens=100)
        await gateway.turn("train/1", 1_000, 20, group="train", phase="train")
        gateway.clock.now_s += 2.5
        answer = await gateway.get("/live.json")
        assert (answer.status, answer.headers["content-type"], answer.headers["cache-control"]) == (
            200,
            "application/json",
            "no-store",
        )
        told = answer.json
        assert {key: told[key] for key in ("mode", "draining", "programs_total")} == {
            "mode": "thunder",
            "draining": False,
            "programs_total": 1,
        }
        assert told["totals"].items() >= {"programs": 1, "steps": 1, "prompt_tokens": 1_000, "cached_tokens": 500}.items()
        assert told["engines"][0] == {
            "id": A,
            "url": A,
            "healthy": True,
            "paused": False,
            "draining": False,
            "breaker": "closed",
            "last_problem": None,
            "capacity_tokens": 10_000,
            "committed_tokens": 1_020,
            "acting_tokens": 20,  # the prompt is the whole group's
            "running_turns": 0,
            "programs": 1,
            "kv_hit_rate": 0.25,
            "prefix_queried_tokens": 400,
            "prefix_hit_tokens": 100,
            "usage": 0.5,
        }
        assert (told["engines"][1]["id"], told["engines"][1]["kv_hit_rate"], told["engines"][1]["usage"]) == (B, None, None)
        assert told["programs"] == [
            {
                "id": "train/1",
                "group": "train",
                "phase": "train",
                "state": "active",
                "status": "acting",
                "backend": A,
                "tokens": 1_020,
                "steps": 1,
                "tool": "",
                "since_s": 2.5,
                "decoding": False,
                "waited_s": None,
                "waits_for": None,
                "ahead": None,
                "sandboxes": 0,
            }
        ]

    run(scenario)


def test_an_engine_that_is_down_is_shown_with_what_is_wrong() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        gateway.watch.die(B, "connection refused")
        engines = (await gateway.get("/live.json")).json["engines"]
        assert [(e["healthy"], e["last_problem"], e["capacity_tokens"]) for e in engines] == [
            (True, None, 10_000),
            (False, "connection refused", 10_000),
        ]

    run(scenario)


async def crowd() -> Gateway:
    """Two run, one of them for longer, one is in a tool call, two wait."""
    gateway = Gateway(policy=CapPolicy(2))
    await gateway.turn("acts", 300)
    gateway.arrive("old", 500)
    gateway.clock.now_s += 1
    for number, name in enumerate(("young", "fourth", "waits", "waits longer")):
        gateway.clock.now_s += 1
        gateway.arrive(name, 100 * (9 - number))
    return gateway


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("state", ["waits", "waits longer", "old", "young", "fourth", "acts"]),
        ("tokens", ["young", "fourth", "waits", "waits longer", "old", "acts"]),
        ("waited", ["waits", "waits longer", "old", "young", "fourth", "acts"]),
        ("steps", ["acts", "fourth", "old", "waits", "waits longer", "young"]),
        ("id", ["acts", "fourth", "old", "waits", "waits longer", "young"]),
    ],
)
def test_programs_come_in_the_order_that_is_asked_for_and_the_first_of_them_if_so_many_are_not_wanted(
    sort: str, order: list[str]
) -> None:
    async def scenario() -> None:
        gateway = await crowd()
        found = (await gateway.get(f"/live.json?sort={sort}")).json["programs"]
        names = [program["id"] for program in found]
        assert sorted(names[1:]) == sorted(order[1:]) if sort == "steps" else names == order
        few = (await gateway.get(f"/live.json?sort={sort}&programs=2")).json
        assert ([program["id"] for program in few["programs"]], few["programs_total"]) == (names[:2], 6)

    run(scenario)


def test_who_waits_is_told_why_for_how_long_and_behind_how_many() -> None:
    async def scenario() -> None:
        gateway = await crowd()
        gateway.clock.now_s += 3
        first, second = (await gateway.get("/live.json?programs=2")).json["programs"]
        assert [(p["state"], p["status"], p["waited_s"], p["since_s"], p["ahead"]) for p in (first, second)] == [
            ("parked", "reasoning", 4.0, 4.0, 0),
            ("parked", "reasoning", 3.0, 3.0, 1),
        ]
        assert "waits" in second["waits_for"]

    run(scenario)


def test_turns_that_a_weight_sync_holds_back_are_shown_too() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        await gateway.turn("known")
        gateway.runtime.begin_weight_sync()
        gateway.clock.now_s += 1
        for name in ("known", "new"):
            gateway.arrive(name)
        programs = (await gateway.get("/live.json")).json["programs"]
        assert {p["id"]: (p["state"], p["status"], p["waits_for"]) for p in programs} == dict.fromkeys(
            ("known", "new"), ("parked", "reasoning", "the end of the weight sync")
        )

    run(scenario)


def test_a_policy_that_has_failed_explains_nothing_and_breaks_nothing() -> None:
    async def scenario() -> None:
        gateway = await crowd()
        gateway.runtime.degraded = True
        programs = (await gateway.get("/live.json")).json["programs"]
        assert len(programs) == 6
        assert {program["waits_for"] for program in programs} == {None}

    run(scenario)


def test_programs_that_gave_up_their_kv_are_paused_and_have_been_somewhere() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        backend = await gateway.turn("p")
        gateway.watch.die(backend, "gone")
        (program,) = (await gateway.get("/live.json")).json["programs"]
        assert (program["state"], program["status"], program["backend"]) == ("paused", "acting", backend)

    run(scenario)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("programs=2001", "programs"),
        ("programs=many", "programs"),
        ("sort=beauty", "sort"),
        ("interval_s=0.05", "interval_s"),
        ("interval_s=61", "interval_s"),
        ("interval_s=nan", "interval_s"),
        ("interval_s=1e1", "interval_s"),
    ],
)
def test_a_question_that_makes_no_sense_names_what_is_wrong_and_opens_no_stream(query: str, named: str) -> None:
    async def scenario() -> None:
        answer = await Gateway().get(f"/live?{query}")
        assert (answer.status, answer.json["error"]["param"]) == (400, named)

    run(scenario)


def test_both_ask_for_the_keys_that_programs_ask_for() -> None:
    async def scenario() -> None:
        gateway = Gateway(settings=WITH_KEYS, draining=True)
        for path in ("/programs", "/live.json", "/live"):
            assert [(await gateway.get(path, **headers)).status for headers in ({}, API, ADMIN)] == [401, 401, 200]

    run(scenario)


def test_a_watcher_gets_an_event_at_once_and_then_one_each_interval() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        watcher = Watcher(gateway.app(), "interval_s=2&programs=1")
        await asyncio.sleep(0.01)
        assert (watcher.status, watcher.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert watcher.headers["x-accel-buffering"] == "no"
        assert [event["programs_total"] for event in watcher.events] == [0]
        await gateway.turn("p")
        await asyncio.sleep(10)
        assert [event["programs_total"] for event in watcher.events[1:]] == [1] * 5
        watcher.leave()
        await watcher.answer

    simulated_time.run(scenario())


def test_a_watcher_that_leaves_ends_its_stream_at_once() -> None:
    async def scenario() -> None:
        app = Gateway().app()
        watcher = Watcher(app, "interval_s=60")
        await asyncio.sleep(1)
        assert app.state.feed.watchers == 1
        before_s = asyncio.get_running_loop().time()
        watcher.leave()
        await watcher.answer
        assert (asyncio.get_running_loop().time() - before_s, app.state.feed.watchers) == (0, 0)

    simulated_time.run(scenario())


def test_a_watcher_that_reads_nothing_any_more_is_let_go() -> None:
    async def scenario() -> None:
        app = Gateway().app()
        watcher = Watcher(app, reads=False)
        await watcher.answer
        await asyncio.sleep(0)
        assert app.state.feed.watchers == 0

    simulated_time.run(scenario())


def test_all_who_watch_the_same_share_one_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        gateway = Gateway()
        made = await counted(gateway, monkeypatch)
        app = gateway.app()
        watchers = []
        for _ in range(10):  # they come at different times, and get their events at the same
            watchers.append(Watcher(app, "interval_s=2"))
            await asyncio.sleep(0.001)
        assert len(made) == 1
        await asyncio.sleep(20)
        assert len(made) == 11
        assert {len(watcher.events) for watcher in watchers} == {11}
        for watcher in watchers:
            watcher.leave()
        await asyncio.gather(*(watcher.answer for watcher in watchers))

    simulated_time.run(scenario())


def test_however_many_questions_are_asked_few_answers_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        gateway = Gateway()
        made = await counted(gateway, monkeypatch)
        feed = live.Feed(gateway)
        for programs in (*range(20), 19, 0):
            feed.encoded(live.Question(programs, "id"))
        assert made == [*range(20), 0]

    simulated_time.run(scenario())


def test_there_is_a_limit_to_how_many_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        monkeypatch.setattr(live, "MAX_WATCHERS", 1)
        app = Gateway().app()
        first = Watcher(app)
        await asyncio.sleep(0.1)
        second = Watcher(app)
        await second.answer
        assert second.status == 429
        first.leave()
        await first.answer
        third = Watcher(app)
        await asyncio.sleep(0.1)
        assert third.status == 200
        third.leave()
        await third.answer

    simulated_time.run(scenario())


def test_streams_end_when_the_gateway_is_about_to_stop_and_say_so_last() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        watcher = Watcher(gateway.app(), "interval_s=60")
        await asyncio.sleep(1)
        before_s = asyncio.get_running_loop().time()
        gateway.draining = True
        await watcher.answer
        assert asyncio.get_running_loop().time() - before_s <= live.DRAIN_LOOK_S
        assert [event["draining"] for event in watcher.events] == [False, True]

    simulated_time.run(scenario())


def test_a_request_for_the_headers_alone_opens_no_stream() -> None:
    async def scenario() -> None:
        gateway = Gateway(policy=DefaultPolicy())
        answer = await gateway.ask("HEAD", "/live")
        assert (answer.status, answer.headers["content-type"], answer.body) == (200, "text/event-stream; charset=utf-8", b"")

    run(scenario)
