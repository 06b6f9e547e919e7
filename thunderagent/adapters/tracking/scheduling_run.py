"""The scheduler's own run of W&B: a sample every so often, with tables of steps now and then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from thunderagent.adapters.tracking.sampler import Sampler
from thunderagent.adapters.tracking.tables import StepTables
from thunderagent.adapters.tracking.wandb import RunPlace, WandbRun
from thunderagent.runtime import StepProfile

logger = logging.getLogger(__name__)

TABLES_EVERY_S = 300.0
"""Each table is a file of the run; a day has some three hundred then."""


class SchedulingRun:
    """On the loop of the scheduler; only ``close`` from anywhere."""

    def __init__(
        self,
        sampler: Sampler,
        place: RunPlace,
        interval_s: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``sampler`` is this run's alone; ``sleep`` waits for so many seconds."""
        self._sampler, self._interval_s, self._sleep = sampler, interval_s, sleep
        self._tables = StepTables()
        self._run = WandbRun(place)
        self._since_tables_s = 0.0

    def took_step(self, step: StepProfile) -> None:
        """One finished step."""
        self._sampler.took_step(step)
        self._tables.took_step(step)

    async def follow(self) -> None:
        """Until it is cancelled; the last sample has the tables."""
        self._sampler.sample()  # the first interval begins here
        try:
            while True:
                await self._sleep(self._interval_s)
                self._since_tables_s += self._interval_s
                self._put(with_tables=self._since_tables_s >= TABLES_EVERY_S)
        finally:
            self._put(with_tables=True)

    def close(self) -> None:
        """End the run."""
        self._run.close()

    def _put(self, *, with_tables: bool) -> None:
        if with_tables:
            self._since_tables_s = 0.0
        self._run.put(self._sampler.sample(), self._tables.take() if with_tables else None)
