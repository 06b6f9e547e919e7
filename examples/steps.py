"""The line that the custom RL examples print for each training step."""

from __future__ import annotations

import re

PATTERN = re.compile(r"step (\d+): reward ([\d.]+), KV hit rate ([\d.]+), held back ([\d.]+) s per turn, (\d+) turns in [\d.]+ s")
"""A line, wherever it is in a log: progress bars come without an end of line."""


def say(step: int, *, reward: float, hit_rate: float, held_s: float, turns: float, took_s: float) -> None:
    """Print it.

    Args:
        step: its number.
        reward: mean over its trajectories.
        hit_rate: share of prompt tokens that were in the KV cache.
        held_s: for how long a turn was held back, on average.
        turns: how many ended since the step before.
        took_s: how long it took.
    """
    figures = f"reward {reward:.2f}, KV hit rate {hit_rate:.2f}, held back {held_s:.2f} s per turn"
    print(f"step {step}: {figures}, {turns:.0f} turns in {took_s:.1f} s", flush=True)
