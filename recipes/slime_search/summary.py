"""``summary.json``: what one run came to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from recipes.common.jsonl import read_jsonl
from recipes.common.processes import ProcessTree
from recipes.slime_search.config import RecipeConfig
from thunderagent.runtime import StepProfile
from thunderagent.runtime.totals import Totals


def summarise(config: RecipeConfig, out_dir: Path, *, wall_s: float, watch: ProcessTree, exit_status: int) -> dict[str, Any]:
    """Put together what the run's files say, write it and return it."""
    totals = Totals()
    for turn in read_jsonl(out_dir / "profile.jsonl"):
        totals.add(StepProfile(**{name: turn[name] for name in StepProfile.__slots__}))  # files have the schema besides
    steps = read_jsonl(out_dir / "steps.jsonl")
    ends = read_jsonl(out_dir / "trajectories.jsonl")
    trajectories = int(sum(step["rollout/samples"] for step in steps))
    rollout_s = sum(step["rollout/rollout_s"] for step in steps)
    summary = {
        "recipe": "slime_search",
        "mode": config.mode,
        "steps_per_min": round(60 * totals.steps / rollout_s, 1) if rollout_s else 0.0,
        "trajectories": trajectories,
        "lost": config.trajectories - trajectories,
        "errors": sum(end["error"] for end in ends),
        "mean_reward": round(sum(step["rollout/reward"] for step in steps) / len(steps), 4) if steps else 0.0,
        "steps": totals.steps,
        "kv_hit_rate": round(totals.kv_hit_rate, 4),
        "reprefilled_tokens": totals.reprefilled_tokens,
        "paused_s": round(totals.paused_s, 1),
        "tool_call_s": round(totals.tool_call_s, 1),
        "rollout_s": round(rollout_s, 1),
        "rollout_s_per_step": round(rollout_s / len(steps), 2) if steps else 0.0,
        "wall_s": round(wall_s, 1),
        "peak_rss_mb": round(watch.peak_rss_mb),
        "cpu_s": round(watch.cpu_s, 1),
        "exit_status": exit_status,
    }
    (out_dir / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return summary
