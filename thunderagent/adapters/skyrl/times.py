"""Where the time of each trajectory went: held back, in the engine, in its environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np


class TrajectoryTimes:
    """Of one batch: seconds by session, summed over its turns."""

    def __init__(self) -> None:
        self.paused_s: dict[str, float] = {}
        self.engine_s: dict[str, float] = {}

    def add(self, session_id: str, *, paused_s: float, engine_s: float) -> None:
        """One turn."""
        self.paused_s[session_id] = self.paused_s.get(session_id, 0.0) + paused_s
        self.engine_s[session_id] = self.engine_s.get(session_id, 0.0) + engine_s

    def split(self, output: Any, trajectory_ids: Iterable[Any]) -> None:
        """Put them into a generator's output, of a batch of these trajectories.

        SkyRL counts what was held back as time of the engine (``llm``); it becomes a part of its own (``pause``). Versions that
        split no times get the statistics all the same; ``env`` is then all that is neither.
        """
        if not self.engine_s:
            return
        rows = [f"{each.instance_id}_{each.repetition_id}" for each in output.get("trajectory_ids") or trajectory_ids]
        paused_s = [self.paused_s.get(session, 0.0) for session in rows]
        splits = output.get("trajectory_time_splits")
        if splits is not None:
            engine_s = [max(0.0, llm_s - pause_s) for llm_s, pause_s in zip(splits["llm"], paused_s, strict=True)]
            parts = output["trajectory_time_splits"] = {**splits, "llm": engine_s, "pause": paused_s}
        else:
            engine_s = [self.engine_s.get(session, 0.0) for session in rows]
            parts = {"llm": engine_s, "pause": paused_s}
            whole_s = output.get("trajectory_generation_times")
            if whole_s:
                known_s = np.add(engine_s, paused_s)
                parts["env"] = np.maximum(0.0, np.subtract(whole_s, known_s)).tolist()
        metrics = output.get("rollout_metrics")
        if metrics is not None:
            a_row = {session: row for row, session in enumerate(rows)}  # step-wise, each session has several, all alike
            for name in ("llm", "env", "pause"):
                if name in parts:
                    metrics.update(_statistics(name, [parts[name][row] for row in a_row.values()], metrics))


def _statistics(name: str, seconds: Sequence[float], known: Mapping[str, float]) -> dict[str, float]:
    """Under SkyRL's own names. Percentiles only where they are known already: SkyRL 0.3.0 sums those of a batch's groups."""
    prefix = f"generate/trajectory_time_{name}"
    statistics = {f"{prefix}_mean": float(np.mean(seconds)), f"{prefix}_max": float(np.max(seconds))}
    if f"{prefix}_p90" in known:
        statistics[f"{prefix}_p90"] = float(np.percentile(seconds, 90))
    return statistics


TIMES: ContextVar[TrajectoryTimes | None] = ContextVar("thunderagent_times", default=None)
"""Of the batch that is being generated."""
