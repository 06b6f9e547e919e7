"""SkyRL's own command line with ``trainer.override_entrypoint=thunderagent.adapters.skyrl``, against the embedded engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("skyrl")
from tests.adapters.skyrl.processes import engine_of, keys, write_dataset

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]


def test_skyrls_own_command_line_runs_scheduled(tmp_path: Path) -> None:
    write_dataset(tmp_path, 1)  # for more, SkyRL would start processes to see which are too long; each imports all of SkyRL
    with engine_of(tmp_path) as url:
        done = subprocess.run(
            [sys.executable, "-m", "skyrl.train.entrypoints.main_base", *keys(tmp_path, url), *FULLY_ASYNC],
            env={**os.environ, "HF_HUB_OFFLINE": "1", "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": _python_path(tmp_path)},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    steps = [json.loads(line) for line in (tmp_path / "profiles" / "profile.jsonl").read_text().splitlines()]
    assert {step["outcome"] for step in steps} == {"completed"}
    assert sorted((step["program_id"], step["step_id"]) for step in steps) == [
        (f"train/0_{sample}", turn) for sample in range(2) for turn in (1, 1, 2, 2)
    ]
    for metric in ("thunder/kv_cache/hit_rate", "thunder/train/paused_share", "generate/trajectory_time_pause_mean"):
        assert metric in done.stdout + done.stderr


def _python_path(tmp_path: Path) -> str:
    """SkyRL 0.3.0 cannot be imported by Python before 3.12 without this; its own command line imports it before us."""
    folder = tmp_path / "site"
    folder.mkdir()
    code = "import sys, typing\nif sys.version_info < (3, 12):\n    import typing_extensions\n"
    (folder / "sitecustomize.py").write_text(code + "    typing.TypedDict = typing_extensions.TypedDict\n")
    return os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))


FULLY_ASYNC = [
    "trainer.override_entrypoint=thunderagent.adapters.skyrl",
    "trainer.algorithm.policy_loss_type=rollout_is",
    "trainer.fully_async.enabled=true",
    "trainer.fully_async.simulate_training=true",
    "trainer.fully_async.simulate_training_step_seconds=0.1",
    "trainer.fully_async.num_parallel_generation_workers=2",
    "trainer.placement.colocate_all=false",
    "trainer.epochs=2",
]
