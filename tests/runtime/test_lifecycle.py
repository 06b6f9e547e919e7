"""The life of every program can be read in the log: its changes, why it waits, and no more lines than can be read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tests import simulated_time
from tests.runtime.test_runtime import Fixture, settle
from thunderagent.core import DefaultPolicy, Limits, Usage
from thunderagent.errors import TurnRefused
from thunderagent.runtime import Runtime, lifecycle
from thunderagent.runtime.lifecycle import log_programs


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG, "thunderagent.runtime.lifecycle"):
        yield caplog


def fixture(limits: Limits | None = None) -> Fixture:
    made = Fixture(limits=limits)
    log_programs(made.runtime)
    return made


def lines(told: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(vars(record)["program"], record.getMessage().removeprefix("program ")) for record in told.records]


def field(told: pytest.LogCaptureFixture, message: str, name: str) -> Any:
    (found,) = [vars(record)[name] for record in told.records if record.getMessage() == f"program {message}"]
    return found


def test_a_program_arrives_waits_runs_and_is_released(told: pytest.LogCaptureFixture) -> None:
    f = fixture()

    async def scenario() -> None:
        async with f.runtime.turn("p", prompt_tokens=8_000, group="g", phase="train") as running:
            waiting = asyncio.create_task(f.turn("q", 6_000))
            await settle()
            f.clock.now_s += 7.0
            running.finish(Usage(8_000, 10))
        await f.turn("p", 8_010)  # another turn of one that is active is no change
        f.runtime.release("p")
        await waiting

    asyncio.run(scenario())
    assert lines(told) == [
        *(("p", "arrived"), ("p", "admitted"), ("q", "arrived"), ("q", "parked")),
        *(("p", "released"), ("q", "admitted")),
    ]
    assert vars(told.records[0])["group"] == "g"
    assert field(told, "parked", "reason") == "no room in the KV cache"
    assert vars(told.records[-1])["backend"] == "a"
    assert vars(told.records[-1])["waited_s"] == 8.0


def test_a_program_that_gives_way_is_told_with_what_it_held(told: pytest.LogCaptureFixture) -> None:
    f = fixture()

    async def scenario() -> None:
        await f.turn("small", 3_000)
        async with f.runtime.turn("large", prompt_tokens=5_000) as running:
            running.finish(Usage(5_000, 4_000))
        f.runtime.remove_backend("a")

    asyncio.run(scenario())
    assert lines(told)[-2:] == [("small", "paused"), ("large", "lost its backend")]
    assert (field(told, "paused", "tokens"), field(told, "paused", "backend")) == (3_010, "a")


def test_programs_that_are_forgotten_are_told_with_the_reason(told: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        runtime = Runtime(DefaultPolicy(), limits=Limits(idle_ttl_s=60.0, max_programs=2), clock=asyncio.get_running_loop().time)
        log_programs(runtime)
        runtime.add_backend("a", 10_000)
        for name in ("p", "q", "r"):
            async with runtime.turn(name, prompt_tokens=100) as turn:
                turn.finish(Usage(100, 10))
        await asyncio.sleep(61.0)
        runtime.remove_backend("a")
        with pytest.raises(TurnRefused):
            await runtime.turn("s", prompt_tokens=100).__aenter__()

    simulated_time.run(scenario())
    ends = [(name, what) for name, what in lines(told) if what not in ("arrived", "admitted")]
    assert ends == [("p", "forgotten to make room"), ("q", "expired"), ("r", "expired"), ("s", "refused")]
    assert field(told, "refused", "cause") == "no_backend"


def test_no_more_lines_than_can_be_read_and_the_rest_is_counted(
    told: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "LINES_PER_S", 3)
    f = fixture()

    async def scenario() -> None:
        for number in range(4):
            await f.turn(f"p{number}", 100, took_s=0.0)
        f.clock.now_s += 1.0
        f.runtime.release("p0")

    asyncio.run(scenario())
    assert lines(told) == [("p0", "arrived"), ("p0", "admitted"), ("p1", "arrived"), ("p0", "released")]
    assert vars(told.records[-1])["lines_left_out"] == 5


def test_unless_debug_is_wanted_nothing_is_looked_at() -> None:
    runtime = Runtime(DefaultPolicy())
    log_programs(runtime)
    assert runtime._watchers == []
