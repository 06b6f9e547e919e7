"""The process that runs slime: ``python -m recipes.slime_search.job JOB.json``. Started, watched and ended by ``supervise``."""

from __future__ import annotations

import json
import sys
import time
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any

import wandb
from slime.rollout.base_types import call_rollout_fn
from slime.rollout.data_source import RolloutDataSourceWithBuffer
from slime.utils.http_utils import init_http_client
from slime.utils.misc import load_function

from recipes.common.hydra_config import from_dict
from recipes.slime_search import weights
from recipes.slime_search.arguments import slime_arguments
from recipes.slime_search.config import RecipeConfig
from recipes.slime_search.router import listing
from thunderagent.adapters.slime.hosts import close_all


def run(config: RecipeConfig, *, out_dir: Path, dataset: Path, model: str, urls: list[str]) -> None:
    """Roll out step by step as slime's RolloutManager does; ``steps.jsonl`` and W&B get each step's figures."""
    with listing(urls) as router:
        args = slime_arguments(config, out_dir=out_dir, dataset=dataset, model=model, router=router, engines=len(urls))
        init_http_client(args)
        wandb.init(project=config.tracking.project, name=f"slime_search-{config.mode}", config=asdict(config))
        try:
            _roll_out(config, args, out_dir, urls)
        finally:
            close_all()  # before W&B: the scheduler's run has its last sample still to come
            wandb.finish()


def _roll_out(config: RecipeConfig, args: Namespace, out_dir: Path, urls: list[str]) -> None:
    data_source = RolloutDataSourceWithBuffer(args)
    rollout = load_function(args.rollout_function_path)
    with (out_dir / "steps.jsonl").open("w", encoding="utf-8") as file:
        for step in range(args.num_rollout):
            began_s = time.monotonic()
            output = call_rollout_fn(rollout, args, step, data_source, evaluation=False)
            figures = {**_figures(output.samples), "rollout/rollout_s": time.monotonic() - began_s, **(output.metrics or {})}
            file.write(json.dumps({"step": step, **figures}) + "\n")
            file.flush()
            wandb.log(figures, step=step)
            time.sleep(config.rollout.train_step_s)
            if config.engine.kind == "simulated":
                weights.update(urls, step + 1)


def _figures(groups: list[list[Any]]) -> dict[str, float]:
    samples = [sample for group in groups for sample in group]
    return {
        "rollout/samples": len(samples),
        "rollout/reward": sum(sample.reward for sample in samples) / len(samples),
        "rollout/response_tokens": sum(sample.response_length for sample in samples) / len(samples),
    }


def main() -> None:
    """Read the job, run it."""
    raw = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    config = from_dict(raw["config"], RecipeConfig)
    run(config, out_dir=Path(raw["out_dir"]), dataset=Path(raw["dataset"]), model=raw["model"], urls=raw["urls"])


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
