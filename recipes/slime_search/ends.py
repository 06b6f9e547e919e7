"""The reward function of the recipe's runs: the agent's, and every trajectory's end is written down."""

from __future__ import annotations

import json
import re
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

from recipes.slime_search import agent
from recipes.slime_search.protocol import END_OF_INFORMATION

ATTEMPT = re.compile(r"\[attempt (\d+)\]")
"""The embedded engine says which of the prompt's attempts this is, so that runs can be compared."""


async def reward(args: Namespace, sample: Any, **kwargs: Any) -> float:
    """The agent's reward."""
    value = await agent.reward(args, sample, **kwargs)
    attempt = ATTEMPT.search(sample.response)
    end = {
        "trajectory_id": f"{sample.group_index}/{attempt[1] if attempt else sample.index}",
        "reward": value,
        "turns": sample.response.count(END_OF_INFORMATION) + 1,
        "error": bool(sample.remove_sample),
        "ended_at": time.time(),
    }
    _append(Path(args.trajectories_path), end)
    return value


def _append(path: Path, row: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
