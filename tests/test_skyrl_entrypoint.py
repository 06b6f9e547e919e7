"""SkyRL's own command line with ``trainer.override_entrypoint=thunderagent.adapters.skyrl``, against the embedded engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("skyrl")
from recipes.common.hf_tokenizer import save_tokenizer

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]


def test_skyrls_own_command_line_runs_scheduled(tmp_path: Path) -> None:
    model = save_tokenizer(tmp_path / "model")
    row = {
        "prompt": [{"role": "user", "content": "What is 6*7?"}],
        "env_class": "gsm8k_multi_turn",
        "reward_spec": {"method": "rule", "ground_truth": "42"},
        "extra_info": {"max_turns": 2},
    }
    data = tmp_path / "train.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for _ in range(4)))
    port_file = tmp_path / "url"
    options = ["--tokenizer", str(model), "--port-file", str(port_file), "--served-model-name", str(model)]
    command = [sys.executable, "-m", "thunderagent.adapters.engines.simulated", "--exit-with-parent", "--time-scale", "50"]
    engine = subprocess.Popen([*command, *options])
    try:
        while not port_file.exists():
            assert engine.poll() is None
            time.sleep(0.05)
        done = subprocess.run(
            [sys.executable, "-m", "skyrl.train.entrypoints.main_base", *_arguments(tmp_path, port_file.read_text())],
            env={**os.environ, "HF_HUB_OFFLINE": "1", "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(_typing_fix(tmp_path))},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    finally:
        engine.terminate()
        engine.wait()
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    steps = [json.loads(line) for line in (tmp_path / "profiles" / "profile.jsonl").read_text().splitlines()]
    assert {step["outcome"] for step in steps} == {"completed"}
    assert {step["program_id"] for step in steps} == {f"train/{row}_{sample}" for row in range(4) for sample in range(2)}
    assert "thunder/kv_hit_rate" in done.stdout + done.stderr


def _typing_fix(tmp_path: Path) -> Path:
    """SkyRL 0.3.0 cannot be imported by Python before 3.12 without this; its own command line imports it before us."""
    folder = tmp_path / "site"
    folder.mkdir()
    code = "import sys, typing\nif sys.version_info < (3, 12):\n    import typing_extensions\n"
    (folder / "sitecustomize.py").write_text(code + "    typing.TypedDict = typing_extensions.TypedDict\n")
    return folder


def _arguments(tmp_path: Path, url: str) -> list[str]:
    return [
        "trainer.override_entrypoint=thunderagent.adapters.skyrl",
        "thunder.mode=tr",
        f"thunder.profile_dir={tmp_path / 'profiles'}",
        f"data.train_data=['{tmp_path / 'train.jsonl'}']",
        "data.val_data=null",
        "data.dataloader.num_workers=0",
        "environment.env_class=gsm8k_multi_turn",
        f"trainer.policy.model.path={tmp_path / 'model'}",
        "trainer.algorithm.policy_loss_type=rollout_is",
        "trainer.algorithm.use_kl_loss=false",
        "trainer.fully_async.enabled=true",
        "trainer.fully_async.simulate_training=true",
        "trainer.fully_async.simulate_training_step_seconds=0.1",
        "trainer.fully_async.num_parallel_generation_workers=2",
        "trainer.placement.colocate_all=false",
        "trainer.placement.policy_num_gpus_per_node=1",
        "trainer.placement.critic_num_gpus_per_node=1",
        "trainer.placement.ref_num_gpus_per_node=1",
        "trainer.strategy=fsdp",
        "trainer.epochs=1",
        "trainer.train_batch_size=2",
        "trainer.policy_mini_batch_size=2",
        "trainer.micro_forward_batch_size_per_gpu=1",
        "trainer.micro_train_batch_size_per_gpu=1",
        "trainer.eval_before_train=false",
        "trainer.eval_interval=0",
        "trainer.ckpt_interval=-1",
        "trainer.hf_save_interval=-1",
        "trainer.resume_mode=none",
        "trainer.logger=console",
        f"trainer.log_path={tmp_path / 'log'}",
        f"trainer.export_path={tmp_path / 'exports'}",
        f"trainer.ckpt_path={tmp_path / 'checkpoints'}",
        "generator.max_turns=2",
        "generator.max_input_length=4096",
        "generator.n_samples_per_prompt=2",
        "generator.inference_engine.enable_ray_prometheus_stats=false",
        "generator.inference_engine.run_engines_locally=false",
        f"generator.inference_engine.external_proxy_url={url}",
        f"generator.inference_engine.external_server_urls=['{url}']",
    ]
