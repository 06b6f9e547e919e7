"""The recipe as a user starts it: slime's own rollout code, the embedded engine in SGLang's dialect."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("slime.rollout", reason="slime is not importable: scripts/with-slime PATH runs this")
pytestmark = pytest.mark.slow

SMALL = ["rollout.steps=2", "rollout.prompts_per_step=3", "rollout.samples_per_prompt=2", "rollout.train_step_s=0.1"]


def run(out_dir: Path, *arguments: str) -> tuple[str, dict[str, Any]]:
    command = [sys.executable, "-m", "recipes.slime_search", *arguments]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("WANDB")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=200)
    log = out_dir / "run.log"
    assert done.returncode == 0, done.stderr + (log.read_text() if log.exists() else "")
    summary = out_dir / "summary.json"
    return done.stdout, json.loads(summary.read_text()) if summary.exists() else {}


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_rollout_runs_to_its_end_with_profiles_summary_and_offline_wandb(tmp_path: Path) -> None:
    stdout, summary = run(tmp_path, f"hydra.run.dir={tmp_path}", "+thunder=on", "rollout.steps=1")  # as examples/slime_search
    assert "agent steps / min" in stdout
    assert (summary["mode"], summary["trajectories"], summary["lost"], summary["errors"]) == ("thunder", 64, 0, 0)
    assert 0 < summary["mean_reward"] <= 1
    assert summary["kv_hit_rate"] > 0.5
    turns = list(csv.DictReader((tmp_path / "profile.csv").open()))
    assert len(turns) == summary["steps"] == sum(end["turns"] for end in rows(tmp_path / "trajectories.jsonl"))
    assert len({turn["group"] for turn in turns}) == 8
    steps = rows(tmp_path / "steps.jsonl")
    assert [step["rollout/thunder/programs_left"] for step in steps] == [0]
    assert len(list((tmp_path / "wandb").glob("offline-run-*"))) == 2  # of the training, and of the scheduler


def test_off_and_on_are_compared_and_have_the_same_rewards(tmp_path: Path) -> None:
    run(tmp_path, *SMALL, f"hydra.sweep.dir={tmp_path}", "+thunder=off,on", "tracking.wandb=off", "-m")
    comparison = json.loads((tmp_path / "comparison.json").read_text())
    assert [run["mode"] for run in comparison["runs"]] == ["off", "thunder"]
    assert (comparison["same_rewards"], comparison["compared_trajectories"]) == (True, 12)
    assert (tmp_path / "comparison.png").stat().st_size > 10_000


def test_what_a_step_does_not_need_is_aborted_and_goes_on_in_the_next(tmp_path: Path) -> None:
    arguments = [*SMALL, "+thunder=on", "rollout.over_sampling=2", "rollout.partial=true", "tracking.wandb=off"]
    _, summary = run(tmp_path, f"hydra.run.dir={tmp_path}", *arguments)
    assert (summary["trajectories"], summary["lost"]) == (12, 0)
    assert sum(step["rollout/thunder/aborted_samples"] for step in rows(tmp_path / "steps.jsonl")) > 0
