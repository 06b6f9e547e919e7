"""The whole recipe as a user starts it: real Ray, SkyRL's trainer loop, real sandboxes, the embedded engine."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("skyrl")
psutil = pytest.importorskip("psutil")

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]

SMALL = ["rollout.steps=1", "rollout.prompts_per_step=2", "rollout.parallel_prompts=2", "engine.sandbox_start_s=1"]
START_TIMEOUT_S = 150
MARK = "THUNDERAGENT_TEST"


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Where the recipe puts its temporary files: not among those of tests that run beside. Short: Ray puts sockets below it."""
    with tempfile.TemporaryDirectory(prefix="e2e") as directory:
        yield Path(directory)


@pytest.fixture
def start(temporary: Path, nothing_is_left_behind: None) -> Iterator[Start]:
    """Starts the recipe; a run that a failed test leaves is interrupted, so that the tests after it find a clean machine."""
    started: list[subprocess.Popen[str]] = []

    def start(out_dir: Path, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "recipes.skyrl_swe", f"hydra.run.dir={out_dir}", *arguments]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("WANDB")}
        environment |= {MARK: str(os.getpid()), "TMPDIR": str(temporary)}
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


def wait_for_steps(process: subprocess.Popen[str], out_dir: Path, count: int) -> None:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    profile = out_dir / "profile.jsonl"
    while not profile.exists() or profile.read_text().count("\n") < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline_s, "no step was finished in time"
        time.sleep(0.1)


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def nothing_is_left_behind(temporary: Path) -> Iterator[None]:
    yield
    assert not list(temporary.glob("ta-*"))
    assert not [command_line(process) for process in psutil.process_iter() if is_ours(process)]


def is_ours(process: Any) -> bool:
    """Whether a process was started by this test module, however its parents have changed since."""
    try:
        return bool(process.environ().get(MARK) == str(os.getpid())) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def command_line(process: Any) -> list[str]:
    """What a process was started with; nothing of one that has ended meanwhile, as tools' processes do all the time."""
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def test_a_rollout_runs_to_its_end_with_profiles_summary_and_offline_wandb(start: Start, tmp_path: Path) -> None:
    process = start(tmp_path, "+thunder=on", "rollout.steps=1")  # as examples/skyrl_swe/README.md has it
    stdout, stderr = process.communicate(timeout=240)
    assert process.returncode == 0, stderr
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["mode"] == "thunder"
    assert (summary["trajectories"], summary["lost"], summary["duplicated"], summary["errors"]) == (32, 0, 0, 0)
    assert summary["kv_hit_rate"] > 0.5
    assert summary["steps_per_min"] > 0
    assert 0 < summary["scheduler_cpu_share_of_run"] < summary["scheduler_cpu_share"] < 0.05
    assert summary["cpu_s"] > 5
    assert "agent steps / min" in stdout
    rows = list(csv.DictReader((tmp_path / "profile.csv").open()))
    ends = read_jsonl(tmp_path / "trajectories.jsonl")
    assert len(rows) == summary["steps"] == sum(end["turns"] for end in ends)
    assert {row["phase"] for row in rows} == {"train"}
    assert len({row["group"] for row in rows}) == 8
    assert len(list((tmp_path / "wandb").glob("offline-run-*"))) == 2  # of the training, and of the scheduler


def test_when_the_engine_is_killed_trajectories_end_as_errors_and_the_run_finishes(start: Start, tmp_path: Path) -> None:
    process = start(tmp_path, *SMALL, "+thunder=on", "engine.time_scale=2", "tracking.wandb=off")
    wait_for_steps(process, tmp_path, 2)
    children = psutil.Process(process.pid).children(recursive=True)
    (engine,) = [child for child in children if "thunderagent.adapters.engines.simulated" in command_line(child)]
    engine.kill()
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["errors"] > 0
    assert (summary["trajectories"], summary["lost"]) == (8, 0)


def test_ctrl_c_ends_everything_and_the_profiles_written_so_far_are_complete(start: Start, tmp_path: Path) -> None:
    process = start(tmp_path, *SMALL, "+thunder=off", "engine.time_scale=2", "tracking.wandb=off")
    wait_for_steps(process, tmp_path, 2)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    steps = read_jsonl(tmp_path / "profile.jsonl")
    rows = list(csv.DictReader((tmp_path / "profile.csv").open()))
    assert len(steps) == len(rows) >= 2
    assert {step["outcome"] for step in steps} <= {"completed", "cancelled", "failed"}
