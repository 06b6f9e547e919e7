"""The picture of an A/B run: progress, cache hits and where the time of a step went."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from recipes.common.jsonl import read_jsonl

COLOURS = ("#8a8f98", "#e4572e", "#2e86ab", "#76b041")
PARTS = {"pause_s": "held back", "queue_s": "engine queue", "prefill_s": "prefill", "decode_s": "decode", "tool_call_s": "tool"}
PART_COLOURS = dict(zip(PARTS, ("#f3c13a", "#c0c5ce", "#2e86ab", "#76b041", "#b08ea2"), strict=True))
WINDOW_STEPS = 60


def draw_comparison(run_dirs: list[Path], path: Path) -> None:
    """Write a PNG over the runs' step profiles."""
    figure, (progress, hits, parts) = plt.subplots(1, 3, figsize=(15, 4.2), layout="constrained")
    labels: list[str] = []
    told: list[dict[str, Any]] = []
    for index, run_dir in enumerate(run_dirs):
        summary = json.loads((run_dir / "summary.json").read_text(encoding="utf-8"))
        steps = [step for step in read_jsonl(run_dir / "profile.jsonl") if step["outcome"] == "completed"]
        if not steps:
            continue
        told += steps
        steps.sort(key=lambda step: step["completed_at"])
        colour = COLOURS[index % len(COLOURS)]
        label = summary["mode"]
        labels.append(label)
        start = min(step["arrived_at"] for step in steps)
        times = [step["completed_at"] - start for step in steps]
        progress.plot(
            times, range(1, len(steps) + 1), color=colour, lw=2.2, label=f"{label}: {summary['steps_per_min']:.0f} / min"
        )
        hits.plot(times, _rolling_hits(steps), color=colour, lw=2.2, label=f"{label}: {summary['kv_hit_rate']:.2f}")
        _stack(parts, len(labels) - 1, steps)
    progress.set(title="Agent steps done", xlabel="seconds of rollout", ylabel="steps")
    hits.set(title=f"KV hit rate (last {WINDOW_STEPS} steps)", xlabel="seconds of rollout", ylim=(0, 1.02))
    parts.set(title="Mean time of a step", xlabel="seconds")
    parts.set_yticks(range(len(labels)), labels, rotation=90, va="center")
    parts.set_xmargin(0.12)  # room for the sums
    parts.invert_yaxis()
    shown = _shown_parts(told)
    handles = [plt.Rectangle((0, 0), 1, 1, color=PART_COLOURS[part]) for part in shown]
    parts.legend(handles, shown.values(), loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=5, frameon=False, fontsize=9)
    for axes in (progress, hits):
        axes.grid(alpha=0.25)
        axes.legend(frameon=False)
    for axes in (progress, hits, parts):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _shown_parts(steps: list[dict[str, Any]]) -> dict[str, str]:
    """Those that were measured; an engine that tells no prefill has all its time in one."""
    if any(step["prefill_s"] is not None for step in steps):
        return PARTS
    return {"pause_s": "held back", "decode_s": "in the engine", "tool_call_s": "tool"}


def _rolling_hits(steps: list[dict[str, Any]]) -> list[float]:
    rates = []
    for end in range(1, len(steps) + 1):
        window = steps[max(0, end - WINDOW_STEPS) : end]
        prompt = sum(step["prompt_tokens"] for step in window)
        rates.append(sum(step["cached_tokens"] or 0 for step in window) / prompt)
    return rates


def _stack(axes: Any, row: int, steps: list[dict[str, Any]]) -> None:
    left = 0.0
    for part, colour in PART_COLOURS.items():
        width = sum(step[part] or 0.0 for step in steps) / len(steps)
        axes.barh(row, width, left=left, color=colour, height=0.55)
        left += width
    axes.text(left, row, f" {left:.1f} s", va="center")
