"""After a multirun (``-m +thunder=off,on``): one file, one table and one picture over all runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from recipes.common.jsonl import read_jsonl
from recipes.common.picture import draw_comparison
from recipes.common.report import print_comparison


class CompareRuns(Callback):
    """Named in the recipes' YAML files; Hydra calls it."""

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Compare the runs that have a summary."""
        sweep_dir = Path(config.hydra.sweep.dir)
        run_dirs = sorted((path.parent for path in sweep_dir.glob("*/summary.json")), key=lambda path: path.name.zfill(8))
        if len(run_dirs) > 1:
            comparison = compare(run_dirs)
            (sweep_dir / "comparison.json").write_text(json.dumps(comparison, indent=2) + "\n", encoding="utf-8")
            draw_comparison(run_dirs, sweep_dir / "comparison.png")
            print_comparison(comparison["runs"], comparison["ratios_to_first"][-1], sweep_dir)
            if not comparison["same_rewards"]:
                print("warning: trajectories that both runs completed have different rewards")


def compare(run_dirs: list[Path]) -> dict[str, Any]:
    """Summaries, each run's ratios to the first, and whether trajectories completed in all have the same rewards."""
    runs = [json.loads((run_dir / "summary.json").read_text(encoding="utf-8")) for run_dir in run_dirs]
    ratios = [
        {
            key: round(value / runs[0][key], 4)
            for key, value in run.items()
            if isinstance(value, int | float) and isinstance(runs[0].get(key), int | float) and runs[0][key]
        }
        for run in runs
    ]
    rewards = [_rewards(run_dir) for run_dir in run_dirs]
    shared = set.intersection(*(set(each) for each in rewards))
    return {
        "runs": runs,
        "ratios_to_first": ratios,
        "compared_trajectories": len(shared),
        "same_rewards": all(each[key] == rewards[0][key] for each in rewards for key in shared),
    }


def _rewards(run_dir: Path) -> dict[str, float]:
    ends = read_jsonl(run_dir / "trajectories.jsonl")
    return {end["trajectory_id"]: end["reward"] for end in ends if not end["error"]}
