"""SkyRL's configuration for this recipe, and the dataset that it names."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from recipes.skyrl_swe.config import RecipeConfig
from recipes.skyrl_swe.tasks import load_tasks

ENV_CLASS = "thunderagent_swe"


def write_dataset(config: RecipeConfig, work_dir: Path) -> Path:
    """One row per prompt group; tasks come in a seeded order, again and again until the steps are filled."""
    rows = config.rollout.steps * config.rollout.prompts_per_step
    task_ids = list(load_tasks())
    chooser = random.Random(config.rollout.seed)
    order: list[str] = []
    while len(order) < rows:
        order += chooser.sample(task_ids, len(task_ids))
    engine = config.engine
    per_simulated_s = 1 / engine.time_scale if engine.kind == "simulated" else 0.0
    sandbox = {"image": config.tools.image, "setup": config.tools.setup}
    path = work_dir / "train.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for task_id in order[:rows]:
            row = {
                "prompt": load_tasks()[task_id].prompt(),
                "env_class": ENV_CLASS,
                "task_id": task_id,
                "work_dir": str(work_dir),
                "sandbox": None if config.tools.backend == "none" else sandbox,
                "tool_latency_s": engine.tool_latency_s * per_simulated_s,
                "sandbox_start_s": engine.sandbox_start_s * per_simulated_s,
            }
            file.write(json.dumps(row) + "\n")
    return path


def skyrl_overrides(config: RecipeConfig, *, dataset: Path, model: str, urls: list[str], out_dir: Path) -> dict[str, Any]:
    """SkyRL's keys, dotted. What the user sets under ``skyrl`` comes last and wins."""
    rollout = config.rollout
    staleness = max(4, -(-rollout.parallel_prompts // rollout.prompts_per_step) - 1)
    tracked = config.tracking.wandb != "off"
    overrides: dict[str, Any] = {
        "data.train_data": [str(dataset)],
        "data.val_data": None,
        "data.dataloader.num_workers": 0,
        "environment.env_class": ENV_CLASS,
        "trainer.policy.model.path": model,
        "trainer.algorithm.policy_loss_type": "rollout_is",
        "trainer.algorithm.use_kl_loss": False,
        "trainer.fully_async.enabled": True,
        "trainer.fully_async.max_staleness_steps": staleness,
        "trainer.fully_async.num_parallel_generation_workers": rollout.parallel_prompts,
        "trainer.fully_async.simulate_training": config.simulate_training,
        "trainer.fully_async.simulate_training_step_seconds": rollout.train_step_s,
        "trainer.fully_async.simulate_weight_sync_seconds": rollout.weight_sync_s,
        "trainer.placement.colocate_all": False,
        "trainer.strategy": "fsdp",
        "trainer.epochs": 1,
        "trainer.seed": rollout.seed,
        "trainer.train_batch_size": rollout.prompts_per_step,
        "trainer.policy_mini_batch_size": rollout.prompts_per_step,
        "trainer.micro_forward_batch_size_per_gpu": 1,
        "trainer.micro_train_batch_size_per_gpu": 1,
        "trainer.eval_before_train": False,
        "trainer.eval_interval": 0,
        "trainer.ckpt_interval": -1,
        "trainer.hf_save_interval": -1,
        "trainer.resume_mode": "none",
        "trainer.max_prompt_length": rollout.max_prompt_tokens,
        "trainer.log_path": str(out_dir / "skyrl"),
        "trainer.export_path": str(out_dir / "skyrl" / "exports"),
        "trainer.ckpt_path": str(out_dir / "skyrl" / "checkpoints"),
        "trainer.logger": "wandb" if tracked else "console",
        "trainer.project_name": config.tracking.project,
        "trainer.run_name": f"skyrl_swe-{config.mode}",
        "generator.max_turns": rollout.max_turns,
        "generator.max_input_length": rollout.max_prompt_tokens,
        "generator.sampling_params.max_generate_length": rollout.max_answer_tokens,
        "generator.n_samples_per_prompt": rollout.samples_per_prompt,
        "generator.inference_engine.enable_ray_prometheus_stats": False,
        "generator.inference_engine.run_engines_locally": False,
        "generator.inference_engine.external_proxy_url": urls[0],
        "generator.inference_engine.external_server_urls": urls,
        "generator.inference_engine.num_engines": len(urls),
    }
    if config.simulate_training:
        for role in ("policy", "critic", "ref"):
            overrides[f"trainer.placement.{role}_num_gpus_per_node"] = 1
    overrides.update(flatten(config.skyrl))
    return overrides


def served_model(config: RecipeConfig) -> str | None:
    """The name that engines know the model by: SkyRL's ``served_model_name``, if the user sets it, else ``model``."""
    return flatten(config.skyrl).get("generator.inference_engine.served_model_name") or config.model


def flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """``{"a": {"b": 1}}`` to ``{"a.b": 1}``."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat
