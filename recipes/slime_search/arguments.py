"""slime's arguments, as its parser would give them (it needs Megatron and SGLang itself), for a run without a trainer."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from recipes.slime_search.config import RecipeConfig

OURS = "thunderagent.adapters.slime"
CONCURRENCY = 512
"""Of slime's semaphore, per engine: its default."""


def slime_arguments(
    config: RecipeConfig, *, out_dir: Path, dataset: Path, model: str, router: tuple[str, int], engines: int
) -> Namespace:
    """The arguments of a run.

    Args:
        out_dir: gets profiles and trajectories.
        dataset: prompt data.
        model: where its tokenizer is.
        router: address of what lists the engines.
        engines: how many there are.
    """
    return Namespace(
        **_rollout(config, dataset), **_engines(config, model, router, engines), **_custom(config, out_dir), **_unused()
    )


def _rollout(config: RecipeConfig, dataset: Path) -> dict[str, Any]:
    rollout = config.rollout
    return {
        "num_rollout": rollout.steps,
        "rollout_batch_size": rollout.prompts_per_step,
        "over_sampling_batch_size": round(rollout.prompts_per_step * rollout.over_sampling),
        "n_samples_per_prompt": rollout.samples_per_prompt,
        "global_batch_size": rollout.prompts_per_step * rollout.samples_per_prompt,
        "partial_rollout": rollout.partial,
        "mask_offpolicy_in_partial_rollout": False,
        "rollout_max_response_len": rollout.max_response_tokens,
        "rollout_temperature": 1.0,
        "rollout_top_p": 1.0,
        "rollout_top_k": -1,
        "rollout_seed": rollout.seed,
        "rollout_shuffle": False,
        "rollout_global_dataset": True,
        "rollout_skip_special_tokens": False,
        "prompt_data": str(dataset),
        "input_key": "prompt",
        "label_key": "label",
        "metadata_key": "metadata",
        "apply_chat_template": True,
        "apply_chat_template_kwargs": {},
    }


def _engines(config: RecipeConfig, model: str, router: tuple[str, int], engines: int) -> dict[str, Any]:
    return {
        "hf_checkpoint": model,
        "sglang_router_ip": router[0],
        "sglang_router_port": router[1],
        "sglang_server_concurrency": CONCURRENCY,
        "sglang_dp_size": 1,
        "rollout_num_engines": engines,
        "rollout_num_gpus": engines,
        "rollout_num_gpus_per_engine": 1,
        "num_gpus_per_node": 8,
        "use_distributed_post": False,
    }


def _custom(config: RecipeConfig, out_dir: Path) -> dict[str, Any]:
    """What the flags for custom functions and the custom configuration file say."""
    return {
        "rollout_function_path": f"{OURS}.generate_rollout",
        "custom_generate_function_path": f"{OURS}.generate",
        "custom_rm_path": "recipes.slime_search.ends.reward",
        "thunder": {"inner_generate": "recipes.slime_search.agent.generate", **config.thunder_section(str(out_dir))},
        "search_max_turns": config.rollout.max_turns,
        "search_top": config.rollout.search_top,
        "search_latency_s": config.search_latency_s,
        "trajectories_path": str(out_dir / "trajectories.jsonl"),
    }


def _unused() -> dict[str, Any]:
    """What slime looks at and this run does without."""
    nothing = (
        *("rollout_stop", "rollout_stop_token_ids", "rollout_max_context_len", "rollout_max_prompt_len", "sglang_model_routers"),
        *("dynamic_sampling_filter_path", "rollout_sample_filter_path", "rollout_all_samples_process_path", "buffer_filter_path"),
        *("router_policy", "rm_type", "reward_key", "eval_reward_key", "tool_key", "multimodal_keys", "dump_details", "load"),
    )
    off = ("sglang_enable_deterministic_inference", "use_rollout_routing_replay", "ci_test", "group_rm")
    return {**dict.fromkeys(nothing), **dict.fromkeys(off, False), "rollout_sample_hook_path": []}
