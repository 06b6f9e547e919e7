"""``python -m examples.skyrl_custom_generator [+thunder=off]``: the project on a machine without GPUs."""

from __future__ import annotations

import json
import sys

from examples import on_cpu
from examples.book import MAX_TURNS, prompt

STEPS, PROMPTS, SAMPLES, PARALLEL_PROMPTS = 3, 4, 4, 8
"""Training steps; prompts of each; samples of each prompt; prompts in flight at once."""


def main() -> None:
    """Run it."""
    mode = on_cpu.mode_of(__doc__)

    def command(machine: on_cpu.Machine) -> list[str]:
        return [sys.executable, "-m", "examples.skyrl_custom_generator.train", f"thunder.mode={mode}", *_keys(machine)]

    environment = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    sys.exit(on_cpu.run("skyrl_custom_generator", command, dialect="vllm", environment=environment))


def _keys(machine: on_cpu.Machine) -> list[str]:
    """SkyRL's own: a small run, no models, an engine that is served already."""
    dataset = machine.folder / "train.jsonl"
    rows = [json.dumps({"prompt": prompt(number), "book": number}) for number in range(STEPS * PROMPTS)]
    dataset.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return [
        f"thunder.profile_dir={machine.out_dir}",
        f"data.train_data=['{dataset}']",
        "data.val_data=null",
        "data.dataloader.num_workers=0",
        f"trainer.policy.model.path={machine.model}",
        "trainer.algorithm.policy_loss_type=rollout_is",
        "trainer.algorithm.use_kl_loss=false",
        "trainer.fully_async.enabled=true",
        f"trainer.fully_async.num_parallel_generation_workers={PARALLEL_PROMPTS}",
        "trainer.fully_async.simulate_training=true",
        "trainer.fully_async.simulate_training_step_seconds=0.5",
        "trainer.placement.colocate_all=false",
        *(f"trainer.placement.{role}_num_gpus_per_node=1" for role in ("policy", "critic", "ref")),
        "trainer.strategy=fsdp",
        "trainer.epochs=1",
        f"trainer.train_batch_size={PROMPTS}",
        f"trainer.policy_mini_batch_size={PROMPTS}",
        "trainer.micro_forward_batch_size_per_gpu=1",
        "trainer.micro_train_batch_size_per_gpu=1",
        "trainer.eval_before_train=false",
        "trainer.eval_interval=0",
        "trainer.ckpt_interval=-1",
        "trainer.hf_save_interval=-1",
        "trainer.resume_mode=none",
        "trainer.logger=console",
        f"trainer.log_path={machine.folder / 'skyrl'}",
        f"trainer.export_path={machine.folder / 'exports'}",
        f"trainer.ckpt_path={machine.folder / 'checkpoints'}",
        f"generator.max_turns={MAX_TURNS}",
        "generator.max_input_length=60000",
        f"generator.n_samples_per_prompt={SAMPLES}",
        "generator.inference_engine.enable_ray_prometheus_stats=false",
        "generator.inference_engine.run_engines_locally=false",
        f"generator.inference_engine.external_proxy_url={machine.engine_url}",
        f"generator.inference_engine.external_server_urls=['{machine.engine_url}']",
    ]


if __name__ == "__main__":
    main()
