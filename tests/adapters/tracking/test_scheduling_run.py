"""The scheduler's own run: samples at the interval, tables now and then and at the end. In simulated time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests import simulated_time
from tests.adapters.tracking.test_profiles import step
from thunderagent.adapters.tracking import RunPlace, Sampler, SchedulingRun
from thunderagent.adapters.tracking.axes import SCHEDULING_KEYS, TABLES, WALL_TIME
from thunderagent.adapters.tracking.scheduling_run import TABLES_EVERY_S
from thunderagent.core import ThunderPolicy
from thunderagent.runtime import Runtime


class Put:
    """In the place of the thread that tells W&B."""

    def __init__(self) -> None:
        self.rows: list[tuple[Mapping[str, float], Mapping[str, Any] | None]] = []

    def put(self, numbers: Mapping[str, float], tables: Mapping[str, Any] | None = None) -> None:
        self.rows.append((numbers, tables))


async def followed_for(seconds: float, interval_s: float) -> Put:
    loop = asyncio.get_running_loop()
    sampler = Sampler(Runtime(ThunderPolicy()), lambda name: None, clock=loop.time)
    run, put = SchedulingRun(sampler, RunPlace("agents", Path("nowhere")), interval_s), Put()
    run._run = put  # type: ignore[assignment]
    following = asyncio.create_task(run.follow())
    await asyncio.sleep(interval_s / 2)
    run.took_step(step(1))
    await asyncio.sleep(seconds - interval_s / 2)
    following.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await following
    return put


def test_a_sample_is_put_at_each_interval_and_the_last_one_at_the_end() -> None:
    put = simulated_time.run(followed_for(35.0, 10.0))
    assert [row[WALL_TIME] for row, _ in put.rows] == [10.0, 20.0, 30.0, 35.0]
    assert all(row.keys() == {WALL_TIME, *SCHEDULING_KEYS} for row, _ in put.rows)
    assert put.rows[0][0]["thunder/throughput/steps_per_min"] == 6.0
    assert [tables and tuple(tables) for _, tables in put.rows] == [None, None, None, TABLES]


def test_tables_come_seldom() -> None:
    put = simulated_time.run(followed_for(2 * TABLES_EVERY_S + 5, 10.0))
    with_tables = [row[WALL_TIME] for row, tables in put.rows if tables is not None]
    assert with_tables == [TABLES_EVERY_S, 2 * TABLES_EVERY_S, 2 * TABLES_EVERY_S + 5]
