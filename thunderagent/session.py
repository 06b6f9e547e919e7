"""One scheduler with all that surrounds it: policy, runtime, engine watch, profiles. The same for every host."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from thunderagent.adapters.engines.watch import EngineWatch
from thunderagent.adapters.tracking import ProfileWriter
from thunderagent.config import ThunderConfig, build_limits, build_policy
from thunderagent.runtime import Runtime


class Session:
    """Made anywhere, started on the loop that runs the turns, closed by whoever made it."""

    def __init__(self, config: ThunderConfig, engine_urls: Sequence[str]) -> None:
        self._writer = ProfileWriter(Path(config.profile_dir)) if config.profile_dir is not None else None
        self.end_on_engine_failure = config.engine_failure == "end"
        on_step = self._writer.put if self._writer else None
        self.runtime = Runtime(build_policy(config), limits=build_limits(config), on_step=on_step)
        self._watch = EngineWatch(
            engine_urls,
            on_up=self.runtime.add_backend,
            on_lost=self.runtime.remove_backend,
            poll_s=config.engine_poll_s,
            fixed_capacity_tokens=config.capacity_tokens,
        )
        self._started: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Find the engines; every later call waits for the first.

        Raises:
            ConfigError: no engine answers.
        """
        if self._started is None:
            self._started = asyncio.create_task(self._watch.start())
        if not self._started.done():
            await asyncio.shield(self._started)
        self._started.result()

    def close(self) -> None:
        """Write the last profiles. The watch ends with its loop."""
        if self._writer is not None:
            self._writer.close()
