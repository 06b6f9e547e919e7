"""slime's side of the example: ``train.py`` without a trainer, which is what runs without GPUs. Started by ``__main__``."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from slime.rollout.base_types import call_rollout_fn
from slime.rollout.data_source import RolloutDataSourceWithBuffer
from slime.utils.http_utils import init_http_client
from slime.utils.misc import load_function

from examples.book import prompt
from examples.steps import say
from recipes.slime_search import weights
from recipes.slime_search.arguments import slime_arguments
from recipes.slime_search.config import RecipeConfig, RolloutConfig
from recipes.slime_search.router import listing
from thunderagent.adapters.slime.hosts import close_all

ROLLOUT = RolloutConfig(steps=3, prompts_per_step=8, samples_per_prompt=4)


def roll_out(mode: str, *, folder: Path, out_dir: Path, model: str, engine_url: str) -> None:
    """Step by step as slime's RolloutManager does it, with the flags that the README shows."""
    dataset = folder / "train.jsonl"
    rows = [{"prompt": prompt(n), "label": "", "metadata": {"book": n}} for n in range(ROLLOUT.steps * ROLLOUT.prompts_per_step)]
    dataset.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with listing([engine_url]) as router:
        config = RecipeConfig(rollout=ROLLOUT)
        args = slime_arguments(config, out_dir=out_dir, dataset=dataset, model=model, router=router, engines=1)
        args.rollout_function_path = "thunderagent.adapters.slime.generate_rollout"
        args.custom_generate_function_path = "examples.slime_custom_generate.agent.generate"
        args.custom_rm_path = "examples.slime_custom_generate.agent.reward"
        args.thunder = {"mode": mode, "profile_dir": str(out_dir)}  # of the file that --custom-config-path names
        init_http_client(args)
        data_source, rollout = RolloutDataSourceWithBuffer(args), load_function(args.rollout_function_path)
        try:
            for step in range(args.num_rollout):
                began_s = time.monotonic()
                output = call_rollout_fn(rollout, args, step, data_source, evaluation=False)
                _show(step + 1, output, time.monotonic() - began_s)
                weights.update([engine_url], step + 1)
        finally:
            close_all()


def _show(step: int, output: Any, took_s: float) -> None:
    rewards = [sample.reward for group in output.samples for sample in group]
    of = {name.rpartition("/")[2]: value for name, value in output.metrics.items()}
    say(
        step,
        reward=sum(rewards) / len(rewards),
        hit_rate=of["kv_hit_rate"],
        held_s=of["pause_mean_s"],
        turns=of["turns"],
        took_s=took_s,
    )


if __name__ == "__main__":
    mode, folder, out_dir, model, engine_url = sys.argv[1:]
    roll_out(mode, folder=Path(folder), out_dir=Path(out_dir), model=model, engine_url=engine_url)
