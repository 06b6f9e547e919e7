"""Put thunderagent under any SkyRL experiment: ``class Exp(ThunderMixin, BasePPOExp)``."""

from __future__ import annotations

import dataclasses
import functools
import time
from typing import Any, cast

from skyrl.backends.skyrl_train.inference_servers.remote_inference_client import RemoteInferenceClient

from thunderagent.adapters.skyrl.client import Host, ThunderClient
from thunderagent.adapters.trajectory_ids import PHASE
from thunderagent.errors import ConfigError

WALL_TIME = "thunder/wall_s"
"""Seconds since the tracker was made: the axis of the scheduler's metrics."""


class SchedulingMixin:
    """Overrides three of ``BasePPOExp``'s hooks; trainer, generator, environments and configuration stay the user's own."""

    def open_host(self, server_urls: list[str]) -> Host:
        """Build the scheduler for these engines; called once."""
        raise NotImplementedError

    def get_inference_client(self) -> ThunderClient:
        """SkyRL's client with its servers, rebuilt as a scheduled one."""
        plain = cast(Any, super()).get_inference_client()
        if not isinstance(plain, RemoteInferenceClient):
            raise ConfigError("get_inference_client()", type(plain).__name__, "must be SkyRL's RemoteInferenceClient")
        values = {f.name: getattr(plain, f.name) for f in dataclasses.fields(plain) if f.init and not f.name.startswith("_")}
        client = ThunderClient(**values)
        client._thunder = self._host = self.open_host(_engines(cast(Any, self).cfg, client))
        return client

    def get_generator(self, cfg: Any, tokenizer: Any, inference_engine_client: Any) -> Any:
        """The user's generator; only the phase of each batch is noted on the way in."""
        generator = cast(Any, super()).get_generator(cfg, tokenizer, inference_engine_client)
        inner = generator.generate

        @functools.wraps(inner)  # the fully-async trainer looks for `disable_tqdm` in the signature
        async def generate(input_batch: Any, *args: Any, **kwargs: Any) -> Any:
            metadata = input_batch.get("batch_metadata")
            token = PHASE.set(metadata.training_phase if metadata is not None else PHASE.get())
            try:
                return await inner(input_batch, *args, **kwargs)
            finally:
                PHASE.reset(token)

        generator.generate = generate
        return generator

    def get_tracker(self) -> Any:
        """The user's tracker; scheduler metrics join the last log call of each step and, with W&B, the summary.

        W&B draws them over wall time, SkyRL's own over the training step.
        """
        tracker = cast(Any, super()).get_tracker()
        if hasattr(tracker.logger, "define_metric"):
            tracker.logger.define_metric(WALL_TIME, hidden=True)
            tracker.logger.define_metric("thunder/*", step_metric=WALL_TIME)
        started_s = time.monotonic()
        inner, inner_finish = tracker.log, tracker.finish

        @functools.wraps(inner)
        def log(data: dict[str, Any], step: int, commit: bool = False) -> None:
            inner({**data, **self._metrics(), WALL_TIME: time.monotonic() - started_s} if commit else data, step, commit)

        def finish() -> None:
            run = getattr(tracker.logger, "run", None)  # of W&B, while it is open
            if run is not None:
                run.summary.update(self._metrics())
            inner_finish()

        tracker.log, tracker.finish = log, finish
        return tracker

    def _metrics(self) -> dict[str, float]:
        host = getattr(self, "_host", None)
        return {} if host is None else {f"thunder/{name}": value for name, value in host.runtime.snapshot().items()}


def _engines(cfg: Any, client: RemoteInferenceClient) -> list[str]:
    """The engines to place programs on. Disaggregated prefill has to go through SkyRL's router: it counts as one."""
    return [client.proxy_url] if cfg.generator.inference_engine.enable_pd else list(client.server_urls)
