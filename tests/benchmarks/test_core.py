"""The benchmark of the core, tiny: its document has its shape, and replays do what was recorded. No times are looked at."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import tr_scan
from benchmarks.core import __main__ as benchmark
from benchmarks.core import replay
from benchmarks.report import Figure
from thunderagent.core import CapPolicy, DefaultPolicy, Policy, Scheduler, ThunderPolicy, TrPolicy


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "MIN_WARM_UP", 500)
    monkeypatch.setattr(benchmark, "QUICK_TIMED", 500)
    monkeypatch.setattr(benchmark, "LEAST_FOR_MEMORY", 64)


def test_the_document_has_figures_with_goals_and_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "new" / "core.json"
    assert benchmark.main(["--quick", "--programs", "64", "128", "--backends", "4", "--json", str(path)]) == 0
    document = json.loads(path.read_text())
    assert set(document) == {"figures", "environment"}
    figures = document["figures"]
    assert all(set(figure) == {"value", "unit", "goal"} for figure in figures.values())
    assert figures["thunder, 64 programs"]["goal"] == "<= 12"
    assert figures["growth exponent"]["goal"] == "<= 0.15"
    assert {"tr scan, 128 programs", "tr as published, 128 programs"} <= set(figures)
    assert {"python", "platform", "cpus", "date", "commit", "version"} <= set(document["environment"])


@pytest.mark.parametrize("policy", [ThunderPolicy, DefaultPolicy, lambda: CapPolicy(5), TrPolicy, TrPolicy.published])
def test_a_replay_gives_the_recorded_effects(policy: Callable[[], Policy]) -> None:
    recording = replay.record(policy(), 64, 4, 1_000, keep_effects=True)
    scheduler = Scheduler(policy())
    assert [scheduler.handle(event, now) for event, now in recording.events] == recording.effects
    replay.replay(recording, policy())


def test_a_replay_under_another_policy_is_noticed() -> None:
    recording = replay.record(ThunderPolicy(), 64, 4, 1_000)
    with pytest.raises(AssertionError, match="the replay differs"):
        replay.replay(recording, DefaultPolicy())


def test_the_exponent_of_a_square_root_is_one_half() -> None:
    assert benchmark.exponent({4: 2.0, 16: 4.0, 64: 8.0}) == pytest.approx(0.5)


def test_a_scan_pauses_the_smallest_idle_and_resumes_the_shortest() -> None:
    small, large = tr_scan.Seen(100, 0, True, False), tr_scan.Seen(900, 0, True, False)
    waiting, too_long = tr_scan.Seen(300, None, False, True), tr_scan.Seen(5_000, None, False, True)
    assert tr_scan.tick([small, large, waiting, too_long], [1_100.0, 1_000.0]) == (1, 2)
    assert (small.backend, large.backend, waiting.backend, too_long.backend) == (1, 0, 1, None)


def test_a_goal_is_met_at_its_bound() -> None:
    assert Figure(12.0, "us", at_most=12).met
    assert not Figure(float("nan"), "us", at_most=12).met
    assert not Figure(1.0, "x", at_least=2).met
