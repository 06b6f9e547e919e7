"""Whole rollouts: the recipes with their defaults, off and on one after the other, seed by seed."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.report import Figure
from recipes.common.jsonl import read_jsonl

ARMS = ("off", "on")
AT_MOST = 0.6
"""Of the time that a step's rollout takes without scheduling."""
LEFT = "programs_left"


def figures(framework: str, recipe: str, seeds: Sequence[int], overrides: Sequence[str] = ()) -> dict[str, Figure]:
    """Ratios of the same seed, their median; the runs' own figures for information.

    Args:
        framework: what figures are named by.
        recipe: of ``recipes``.
        seeds: one pair of runs each.
        overrides: of both.
    """
    pairs = [tuple(_run(recipe, arm, seed, overrides) for arm in ARMS) for seed in seeds]
    found = {
        f"{framework}: rollout of a step, on over off": Figure(
            median(on["rollout_s"] / off["rollout_s"] for off, on in pairs), "x", at_most=AT_MOST
        ),
        f"{framework}: programs left after a step, most": Figure(max(on[LEFT] for _, on in pairs), "", at_most=0),
    }
    for number, arm in enumerate(ARMS):
        for key, unit in (("rollout_s", "s"), ("steps_per_min", "per minute"), ("kv_hit_rate", "of prompt tokens")):
            found[f"{framework}, {arm}: {key}"] = Figure(median(pair[number][key] for pair in pairs), unit)
    return found


def _run(recipe: str, arm: str, seed: int, overrides: Sequence[str]) -> dict[str, Any]:
    """The summary of one run, and the most programs that were left after one of its steps."""
    with tempfile.TemporaryDirectory(prefix="ta-rl-") as directory:
        out_dir = Path(directory)
        command = [sys.executable, "-m", f"recipes.{recipe}", f"+thunder={arm}", f"hydra.run.dir={out_dir}"]
        command += [f"rollout.seed={seed}", "tracking.wandb=off", "progress=false", *overrides]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            log = (out_dir / "run.log").read_text(errors="replace")[-4000:] if (out_dir / "run.log").exists() else ""
            sys.exit(f"error: {' '.join(command)} ended with status {done.returncode}:\n{done.stderr}\n{log}")
        summary: dict[str, Any] = json.loads((out_dir / "summary.json").read_text(encoding="utf-8"))
        if (out_dir / "steps.jsonl").exists():  # slime's recipe tells it of each step
            summary[LEFT] = max(_left(step) for step in read_jsonl(out_dir / "steps.jsonl"))
    print(
        f"{recipe}, seed {seed}, {arm}: rollout {summary['rollout_s']} s, {summary['steps_per_min']} steps/min, "
        f"KV hit rate {summary['kv_hit_rate']}",
        file=sys.stderr,
        flush=True,
    )
    return summary


def _left(step: dict[str, Any]) -> float:
    left: list[float] = [value for key, value in step.items() if key.endswith(f"/{LEFT}")]
    return max(left)
