"""The comparison of policies, tiny: its figures have their goals, and everything it is asked for is run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import policy
from benchmarks.policy import COMPARED, Goal, main
from tests.study.report.studies import cell
from thunderagent.study.document import Study


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "ENGINE", replace(policy.ENGINE, kv_capacity_tokens=30_000))


def figures(line: str, folder: Path) -> dict[str, dict[str, Any]]:
    main([*line.split(), "--workers", "1", "--json", str(folder / "new" / "figures.json")])
    document = json.loads((folder / "new" / "figures.json").read_text(encoding="utf-8"))
    assert {"python", "platform", "cpus", "date", "commit", "version"} <= set(document["environment"])
    found: dict[str, dict[str, Any]] = document["figures"]
    return found


def test_a_comparison_prints_a_table_and_writes_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = figures("--part search --scale 0.005 --seeds 1 2", tmp_path)
    printed = capsys.readouterr()

    assert "policies, medians over seeds 1, 2" in printed.out
    assert "24/24" in printed.err  # six caps, and nine policies with two seeds
    assert found["search: thunder over the engine alone"]["goal"] == ">= 1.95"
    assert found["search: with hints, of the bound"]["goal"] == ">= 0.9"
    assert found["search: thunder of the bound"]["goal"] is None
    assert {f"search: {name}" for name in COMPARED} <= set(found)
    assert found["search: thunder"]["value"] > 0
    assert found["search: thunder"]["unit"].startswith("steps/min (")


def test_low_loads_are_compared_with_the_engine_alone(tmp_path: Path) -> None:
    found = figures("--part low --scale 0.004 --seeds 1", tmp_path)

    assert found["search, load 1: thunder over the engine alone"]["goal"] == ">= 0.98"
    assert {f"slow-tools, load {load}: thunder over the engine alone" for load in ("1", "1.5", "2", "3")} <= set(found)


def test_what_a_wrong_capacity_costs_is_told(tmp_path: Path) -> None:
    found = figures("--part faults --scale 0.01 --seeds 1", tmp_path)

    assert set(found) == {f"swe, {name}: thunder loses" for name in policy.FAULTS}
    assert found["swe, capacity x0.8: thunder loses"]["goal"] == "<= 0.03"
    assert found["swe, capacity x0.6: thunder loses"]["goal"] is None


def test_nothing_is_told_of_what_did_nothing(tmp_path: Path) -> None:
    assert figures("--part faults --scale 0.00001 --seeds 1", tmp_path) == {}


def test_an_rl_batch_tells_its_makespan(tmp_path: Path) -> None:
    found = figures("--part rl-batch --scale 0.01 --seeds 1", tmp_path)

    assert found["rl-batch: makespan of thunder over tr's"]["goal"] == "<= 0.92"
    assert found["rl-batch: makespan, bound"]["value"] > 0


def test_a_report_can_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(f"--part rl-batch --quick --scale 0.01 --out {tmp_path}".split())
    study = Study.from_json((tmp_path / "study.json").read_text(encoding="utf-8"))

    assert f"{tmp_path}/report.html" in capsys.readouterr().err
    assert {cell.seed for cell in study.cells} == {policy.EVALUATION_SEEDS[0]}  # --quick has one
    assert {f"policy {name}" for name in study.policies} < set(study.settings)


def test_no_seed_that_policies_were_tuned_on_judges_them() -> None:
    assert not set(policy.EVALUATION_SEEDS) & set(policy.TUNING_SEEDS)


def test_a_goal_is_a_median_of_ratios_with_the_same_seed() -> None:
    cells = [
        cell(name, seed=seed, steps_per_min=rate)
        for name, rates in (("a", (20.0, 90.0, 40.0)), ("b", (10.0, 30.0, 20.0)))
        for seed, rate in enumerate(rates)
    ]
    figure = Goal("a over b", "steps_per_min", "a", "b", at_least=2.0).figure(cells)

    assert figure is not None
    assert (figure.value, figure.unit, figure.met) == (2.0, "x", True)
    alone = Goal("a", "steps_per_min", "a", at_most=30.0).figure(cells)
    assert alone is not None
    assert (alone.value, alone.met) == (40.0, False)


def test_a_goal_about_what_was_not_run_has_no_figure() -> None:
    cells = [cell("a", steps_per_min=1.0), cell("b", steps_per_min=0.0)]

    assert Goal("", "steps_per_min", "a", "c").figure(cells) is None
    assert Goal("", "steps_per_min", "c").figure(cells) is None
    assert Goal("", "ratio", "a").figure(cells) is None
    assert Goal("", "steps_per_min", "a", "b").figure(cells) is None


@pytest.mark.parametrize(
    ("wrong", "allowed"),
    [
        ("--part all", "invalid choice"),
        ("--scale 0", "must be a positive and finite number"),
        ("--scale nan", "must be a positive and finite number"),
        ("--scale large", "must be a positive and finite number"),
        ("--workers 0", "must be a whole number of at least 1"),
        ("--workers few", "must be a whole number of at least 1"),
        ("--seeds one", "invalid int value"),
    ],
)
def test_wrong_options_end_with_what_is_allowed(wrong: str, allowed: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(wrong.split())

    assert ended.value.code == 2
    assert allowed in capsys.readouterr().err
