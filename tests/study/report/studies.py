"""Small studies whose numbers tests know."""

from __future__ import annotations

from typing import Any

from thunderagent.simulation.sampler import Samples
from thunderagent.study.document import Cell, Study, Timeline, Track


def cell(policy: str, load: float = 4.0, seed: int = 1, workload: str = "swe", **metrics: float) -> Cell:
    return Cell(workload, policy, load, 64, seed, metrics)


def study(*cells: Cell, timelines: list[Timeline] | None = None, **fields: Any) -> Study:
    return Study(**{"title": "A study", "settings": {}, "cells": list(cells), "timelines": timelines or [], **fields})


def swept() -> Study:
    """Two policies and the bound at two loads with three seeds; ``thunder`` loses nothing at load 4."""
    cells = []
    for load, alone in ((1.0, 300.0), (4.0, 100.0)):
        for seed, noise in ((1, -6.0), (2, 0.0), (3, 8.0)):
            waits = {"wait_p50_s": 0.0, "wait_p99_s": 20.0 * load, "wait_max_s": 90.0 * load}
            cells.append(cell("default", load, seed, steps_per_min=alone + noise, hit_rate=1 / load / 2, **waits))
            cells.append(cell("thunder", load, seed, steps_per_min=310.0 + noise, hit_rate=0.9, **waits))
            cells.append(cell("bound", load, seed, steps_per_min=400.0))
    return study(*cells)


def batches() -> Study:
    """Half of the groups are complete after 700 s with ``thunder``."""
    return study(
        cell("default", 0.0, workload="rl-batch", makespan_s=3_000.0, groups_half_s=2_500.0),
        cell("thunder", 0.0, workload="rl-batch", makespan_s=1_200.0, groups_half_s=700.0),
    )


def samples(engine: str = "engine-0", steps: int = 4) -> Samples:
    """Capacity 100: 30 reason, 20 are held, 10 are shared."""
    times_s = [10.0 * step for step in range(1, steps + 1)]
    reasoning, held, shared, running, queued = ([number] * steps for number in (30, 20, 10, 3, 5))
    return Samples(engine, 100, times_s, reasoning, held, shared, running, queued)


TRACKS = [Track("swe-0", [("reasoning", 0.0, 8.0), ("tool", 8.0, 30.0)]), Track("swe-1", [("paused", 0.0, 25.0)])]


def timeline(**fields: Any) -> Timeline:
    """One program is paused all the time."""
    engines = fields.get("engines", [samples()])
    paused = [1] * max((len(one.time_s) for one in engines), default=0)
    known = {"workload": "swe", "policy": "thunder", "load": 4.0, "seed": 1, "engines": engines, "paused_programs": paused}
    return Timeline(**{**known, "tracks": TRACKS, **fields})
