"""A sample tells of the time since the one before: always the same keys, the fleet's mean beside its worst engine."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import Any

import pytest

from tests.adapters.tracking.test_profiles import step
from tests.runtime.test_runtime import Clock
from thunderagent.adapters.tracking import Sampler
from thunderagent.adapters.tracking import sampler as module
from thunderagent.adapters.tracking.axes import EVALUATION_PREFIXES, SCHEDULING_KEYS, TRAINING, WALL_TIME
from thunderagent.core import ThunderPolicy, Usage
from thunderagent.runtime import Runtime, Tally


@dataclass
class Told:
    usage: float | None = None
    running: int | None = None
    waiting: int | None = None
    preemptions: int | None = None
    queried_tokens: int | None = None
    hit_tokens: int | None = None


class Fixture:
    """A scheduler over two engines of 1,000 tokens, and what they tell of themselves."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.told: dict[str, Told] = {}
        self.tools: dict[str, float] = {}
        self.runtime = Runtime(ThunderPolicy(), clock=self.clock)
        self.sampler = Sampler(self.runtime, self.told.get, lambda: self.tools, self.clock)
        for name in ("a", "b"):
            self.runtime.add_backend(name, 1_000)

    def after(self, seconds: float) -> dict[str, float]:
        self.clock.now_s += seconds
        return {key.removeprefix("thunder/"): value for key, value in self.sampler.sample().items()}


def test_every_sample_has_every_key_of_the_table_and_no_other() -> None:
    empty = Sampler(Runtime(ThunderPolicy()), lambda name: None).sample()
    assert tuple(empty) == (WALL_TIME, *SCHEDULING_KEYS)
    fixture = Fixture()
    fixture.told["a"] = Told(0.5, 1, 2, 3, 4, 5)
    assert fixture.sampler.sample().keys() == empty.keys()


def test_the_keys_of_a_training_step_are_those_of_the_table() -> None:
    assert tuple(Tally().metrics()) == tuple(name for name, _, _ in TRAINING)
    assert EVALUATION_PREFIXES.keys() == {"skyrl", "slime"}


def test_rates_and_waits_are_of_the_interval_alone() -> None:
    fixture = Fixture()
    for number in range(3):
        fixture.sampler.took_step(step(number))
    first = fixture.after(60)
    assert (first["throughput/steps_per_min"], first["throughput/decode_tokens_per_s"]) == (3.0, 21 / 60)
    assert (first["throughput/prefill_tokens_per_s"], first["throughput/cached_tokens_per_s"]) == (0.5, 4.5)
    assert (first["kv_cache/hit_rate"], first["waiting/wait_max_s"], first["waiting/wait_mean_s"]) == (0.9, 0.5, 0.5)
    assert first["waiting/share"] == pytest.approx(0.5 / 2.6)
    assert first["tools/share"] == pytest.approx(0.1 / 2.6)
    second = fixture.after(60)
    assert (second["throughput/steps_per_min"], second["waiting/wait_max_s"], second["wall_s"]) == (0.0, 0.0, 60.0)
    assert math.isnan(second["kv_cache/hit_rate"])


def test_nineteen_of_twenty_waited_less(monkeypatch: pytest.MonkeyPatch) -> None:
    fixture = Fixture()
    for wait_s in range(1, 101):
        waited = step(wait_s)
        waited.pause_s = float(wait_s)
        fixture.sampler.took_step(waited)
    assert fixture.after(1)["waiting/wait_p95_s"] == 95
    monkeypatch.setattr(module, "MAX_WAITS", 2)
    for number in range(5):
        fixture.sampler.took_step(step(number))
    assert len(fixture.sampler._waits_s) == 2


def test_the_worst_engine_is_beside_the_mean() -> None:
    fixture = Fixture()
    fixture.told.update(a=Told(0.2, 1, 0, 10, 100, 50), b=Told(0.6, 5, 4, 0, 100, 0))
    first = fixture.after(60)
    assert (first["kv_cache/used_mean"], first["kv_cache/used_max"]) == (pytest.approx(0.4), 0.6)
    assert (first["throughput/running_requests_mean"], first["throughput/running_requests_max"]) == (3, 5)
    assert (first["throughput/queued_requests_mean"], first["throughput/queued_requests_max"]) == (2, 4)
    assert math.isnan(first["kv_cache/engine_hit_rate_mean"])  # totals since their start say nothing of an interval
    fixture.told.update(a=Told(0.2, 1, 0, 16, 200, 140), b=Told(0.6, 5, 4, 0, 200, 30))
    second = fixture.after(60)
    assert (second["kv_cache/engine_hit_rate_mean"], second["kv_cache/engine_hit_rate_min"]) == (pytest.approx(0.6), 0.3)
    assert (second["kv_cache/preemptions_per_min_mean"], second["kv_cache/preemptions_per_min_max"]) == (3, 6)


def test_what_no_engine_tells_is_a_gap_and_one_that_was_restarted_counts_from_there() -> None:
    fixture = Fixture()
    fixture.told["a"] = Told(queried_tokens=100, hit_tokens=90, preemptions=9)
    fixture.after(60)
    fixture.told["a"] = Told(queried_tokens=10, hit_tokens=1, preemptions=1)
    fixture.told["b"] = Told()
    after = fixture.after(60)
    assert math.isnan(after["kv_cache/used_max"])
    assert math.isnan(after["kv_cache/engine_hit_rate_min"])
    assert after["kv_cache/preemptions_per_min_max"] == 0
    fixture.after(60)
    assert math.isnan(fixture.after(60)["kv_cache/engine_hit_rate_mean"])  # nothing was looked up


def test_programs_are_told_by_what_they_do_and_counters_by_what_they_grew() -> None:
    fixture = Fixture()

    async def scenario() -> None:
        async with fixture.runtime.turn("acts", prompt_tokens=400) as turn:
            turn.finish(Usage(400, 100, 0))
        async with fixture.runtime.turn("reasons", prompt_tokens=700):
            waiting = asyncio.create_task(_one(fixture.runtime, "waits", 800))
            await asyncio.sleep(0)
            now = fixture.after(30)
            assert (now["programs/known"], now["programs/reasoning"], now["programs/acting"]) == (3, 1, 1)
            assert (now["programs/without_kv"], now["waiting/turns"]) == (1, 1)
            assert now["kv_cache/committed_tokens"] == pytest.approx(1_200, abs=100)
            assert (now["kv_cache/capacity_tokens"], now["scheduler/engines"]) == (2_000, 2)
            assert now["kv_cache/committed_max"] > now["kv_cache/committed_mean"] > 0
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        fixture.runtime.release("acts")
        assert fixture.after(30)["programs/released_per_min"] == 2
        assert fixture.after(30)["programs/released_per_min"] == 0

    asyncio.run(scenario())


async def _one(runtime: Runtime, program: str, tokens: int) -> None:
    async with runtime.turn(program, prompt_tokens=tokens):
        pass


def test_sandboxes_are_told_where_there_are_some_and_zero_elsewhere() -> None:
    fixture = Fixture()
    assert fixture.after(1)["tools/sandboxes"] == 0
    fixture.tools = {"sandboxes": 4.0, "idle": 1.0, "handed_out": 9.0}
    told: dict[str, Any] = fixture.after(1)
    assert (told["tools/sandboxes"], told["tools/idle"]) == (4, 1)


def test_two_samples_in_the_same_moment_are_no_division_by_zero() -> None:
    fixture = Fixture()
    fixture.after(0)
    assert fixture.after(0)["throughput/steps_per_min"] == 0
