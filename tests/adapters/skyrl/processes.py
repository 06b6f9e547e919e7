"""The embedded engine as a process of its own, and SkyRL's keys for a small run on it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recipes.common.hf_tokenizer import save_tokenizer

PATIENCE_S = 60.0


@contextmanager
def engine_of(folder: Path) -> Iterator[str]:
    """Its URL. It echoes, and serves the tokenizer in ``folder / "model"``, made here, under that path as its name."""
    model = save_tokenizer(folder / "model")
    port_file = folder / "url"
    options = ["--tokenizer", str(model), "--port-file", str(port_file), "--served-model-name", str(model)]
    command = [sys.executable, "-m", "thunderagent.adapters.engines.simulated", "--exit-with-parent", "--time-scale", "50"]
    engine = subprocess.Popen([*command, *options])
    try:
        ends_at_s = time.monotonic() + PATIENCE_S
        while not port_file.exists():
            assert engine.poll() is None and time.monotonic() < ends_at_s, "the engine did not come"
            time.sleep(0.05)
        yield port_file.read_text()
    finally:
        engine.terminate()
        engine.wait()


def write_dataset(folder: Path, rows: int, prompt: str = "What is 6*7?") -> Path:
    """Of gsm8k's kind."""
    row = {
        "prompt": [{"role": "user", "content": prompt}],
        "env_class": "gsm8k_multi_turn",
        "reward_spec": {"method": "rule", "ground_truth": "42"},
        "extra_info": {"max_turns": 2},
    }
    path = folder / "train.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for _ in range(rows)))
    return path


def keys(folder: Path, url: str) -> list[str]:
    """Two trajectories of each prompt, one prompt for each step, no models."""
    return [
        "thunder.mode=tr",
        f"thunder.profile_dir={folder / 'profiles'}",
        f"data.train_data=['{folder / 'train.jsonl'}']",
        "data.val_data=null",
        "data.dataloader.num_workers=0",
        "environment.env_class=gsm8k_multi_turn",
        f"trainer.policy.model.path={folder / 'model'}",
        "trainer.algorithm.use_kl_loss=false",
        *(f"trainer.placement.{role}_num_gpus_per_node=1" for role in ("policy", "critic", "ref")),
        "trainer.strategy=fsdp",
        "trainer.train_batch_size=1",
        "trainer.policy_mini_batch_size=1",
        "trainer.micro_forward_batch_size_per_gpu=1",
        "trainer.micro_train_batch_size_per_gpu=1",
        "trainer.eval_before_train=false",
        "trainer.eval_interval=0",
        "trainer.ckpt_interval=-1",
        "trainer.hf_save_interval=-1",
        "trainer.resume_mode=none",
        "trainer.logger=console",
        f"trainer.log_path={folder / 'log'}",
        f"trainer.export_path={folder / 'exports'}",
        f"trainer.ckpt_path={folder / 'checkpoints'}",
        "generator.max_turns=2",
        "generator.max_input_length=4096",
        "generator.n_samples_per_prompt=2",
        "generator.inference_engine.enable_ray_prometheus_stats=false",
        "generator.inference_engine.run_engines_locally=false",
        f"generator.inference_engine.external_proxy_url={url}",
        f"generator.inference_engine.external_server_urls=['{url}']",
    ]
