"""``summary.json``: what one run came to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from recipes.common.jsonl import read_jsonl
from recipes.skyrl_swe.config import RecipeConfig


def summarise(
    config: RecipeConfig, out_dir: Path, *, wall_s: float, peak_rss_mb: float, cpu_s: float, exit_status: int
) -> dict[str, Any]:
    """Put together what the run's files say, write it and return it.

    ``scheduler_cpu_share`` is of the CPU time of SkyRL's own process, ``scheduler_cpu_share_of_run`` of all processes of the run.
    """
    totals = _json(out_dir / "totals.json")
    ends = read_jsonl(out_dir / "trajectories.jsonl")
    ids = [end["trajectory_id"] for end in ends]
    summary = {
        "recipe": "skyrl_swe",
        "mode": config.mode,
        "steps_per_min": round(totals.get("steps_per_min", 0.0), 1),
        "trajectories": len(ends),
        "lost": config.trajectories - len(set(ids)),
        "duplicated": len(ids) - len(set(ids)),
        "errors": sum(end["error"] for end in ends),
        "mean_reward": round(sum(end["reward"] for end in ends) / len(ends), 4) if ends else 0.0,
        "programs_left": int(totals.get("programs", 0)),
        "steps": int(totals.get("steps", 0)),
        "kv_hit_rate": round(totals.get("kv_hit_rate", 0.0), 4),
        "reprefilled_tokens": int(totals.get("reprefilled_tokens", 0)),
        "paused_s": round(totals.get("paused_s", 0.0), 1),
        "tool_call_s": round(totals.get("tool_call_s", 0.0), 1),
        **_of_sandboxes(totals),
        "rollout_s": round(totals.get("span_s", 0.0), 1),
        "wall_s": round(wall_s, 1),
        "peak_rss_mb": round(peak_rss_mb),
        "cpu_s": round(cpu_s, 1),
        "scheduler_cpu_share": round(totals.get("scheduler_cpu_share", 0.0), 5),
        "scheduler_cpu_share_of_run": round(totals.get("cpu_s", 0.0) / cpu_s, 5) if cpu_s else 0.0,
        "exit_status": exit_status,
    }
    (out_dir / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return summary


def _of_sandboxes(totals: dict[str, float]) -> dict[str, Any]:
    """Nothing where commands ran as local processes."""
    if "tools_sandboxes" not in totals:
        return {}
    return {
        "sandboxes": int(totals["tools_handed_out"]),
        "sandboxes_refused": int(totals["tools_refused"]),
        "sandbox_prepare_s": round(totals["tools_prepare_s"], 1),
        "sandbox_waited_s": round(totals["tools_waited_s"], 1),
        "sandbox_overlapped_share": round(totals["tools_overlapped_share"], 4),
    }


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
