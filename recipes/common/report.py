"""Closing tables for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROWS = {
    "steps_per_min": ("agent steps / min", "{:.0f}"),
    "trajectories": ("trajectories", "{:d}"),
    "errors": ("errors", "{:d}"),
    "lost": ("lost", "{:d}"),
    "duplicated": ("duplicated", "{:d}"),
    "mean_reward": ("mean reward", "{:.3f}"),
    "kv_hit_rate": ("KV hit rate", "{:.3f}"),
    "reprefilled_tokens": ("re-prefilled tokens", "{:,d}"),
    "paused_s": ("held back (s, all programs)", "{:.0f}"),
    "sandbox_prepare_s": ("preparing sandboxes (s, all)", "{:.1f}"),
    "sandbox_waited_s": ("waiting for them (s, all programs)", "{:.1f}"),
    "sandbox_overlapped_share": ("of preparing, not waited for", "{:.1%}"),
    "rollout_s": ("rollout (s)", "{:.1f}"),
    "rollout_s_per_step": ("rollout of a training step (s)", "{:.1f}"),
    "wall_s": ("whole run (s)", "{:.1f}"),
    "peak_rss_mb": ("peak memory (MiB)", "{:d}"),
    "scheduler_cpu_share": ("scheduler's share of the framework's CPU", "{:.2%}"),
    "scheduler_cpu_share_of_run": ("scheduler's share of all CPU", "{:.2%}"),
}
"""Of a summary, as far as it has them."""
RATIOS = ("steps_per_min", "reprefilled_tokens", "rollout_s", "rollout_s_per_step")
"""Rows of which the ratio says something."""


def print_summary(summary: dict[str, Any], out_dir: Path) -> None:
    """One run."""
    _print([summary], f"{summary['recipe']}, {summary['mode']}", {})
    Console().print(f"profiles and summary: {out_dir}", soft_wrap=True)


def print_comparison(summaries: list[dict[str, Any]], ratios: dict[str, float], out_dir: Path) -> None:
    """Two or more runs side by side; the last column compares the last with the first."""
    _print(summaries, summaries[0]["recipe"], ratios)
    Console().print(f"comparison and picture: {out_dir}", soft_wrap=True)


def _print(summaries: list[dict[str, Any]], title: str, ratios: dict[str, float]) -> None:
    table = Table(title=title)
    table.add_column("")
    for summary in summaries:
        table.add_column(summary["mode"], justify="right")
    if ratios:
        table.add_column("ratio", justify="right")
    for key, (label, form) in ROWS.items():
        if key not in summaries[0]:
            continue
        cells = [form.format(summary[key]) for summary in summaries]
        if ratios:
            cells.append(f"{ratios[key]:.2f}x" if key in ratios and key in RATIOS else "")
        table.add_row(label, *cells)
    Console().print(table)
