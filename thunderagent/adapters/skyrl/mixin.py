"""Put thunderagent under any SkyRL experiment: ``class Exp(ThunderMixin, BasePPOExp)``."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, cast

from skyrl.backends.skyrl_train.inference_servers.common import get_node_ip
from skyrl.backends.skyrl_train.inference_servers.remote_inference_client import RemoteInferenceClient

from thunderagent.adapters.engines.reading import EngineKind
from thunderagent.adapters.skyrl.client import ThunderClient
from thunderagent.adapters.skyrl.config import ThunderSkyRLConfig
from thunderagent.adapters.skyrl.hosts import Host, InProcess
from thunderagent.adapters.skyrl.remote import open_remote
from thunderagent.adapters.skyrl.times import TIMES, TrajectoryTimes
from thunderagent.adapters.skyrl.tools import name_programs, use
from thunderagent.adapters.skyrl.weight_syncs import resets_caches
from thunderagent.adapters.tracking.axes import define_axes
from thunderagent.adapters.trajectory_ids import PHASE, session_of
from thunderagent.errors import ConfigError
from thunderagent.session import Session


class ThunderMixin:
    """Overrides hooks of ``BasePPOExp``, whose configuration is a ``ThunderSkyRLConfig``.

    Trainer, generator, environments and servers stay the user's own.
    """

    cfg: ThunderSkyRLConfig
    host: Host | None = None

    @property
    def session(self) -> Session | None:
        """The scheduler in this process, if it is here."""
        return self.host.session if isinstance(self.host, InProcess) else None

    def get_inference_client(self) -> ThunderClient:
        """SkyRL's client with its servers, rebuilt as a scheduled one."""
        plain = cast(Any, super()).get_inference_client()
        if not isinstance(plain, RemoteInferenceClient):
            raise ConfigError("get_inference_client()", type(plain).__name__, "must be SkyRL's RemoteInferenceClient")
        values = {f.name: getattr(plain, f.name) for f in dataclasses.fields(plain) if f.init and not f.name.startswith("_")}
        client = ThunderClient(**values)
        client._workers_reset_caches = resets_caches(self.cfg)
        client._thunder = self.host = self._open_host(client)
        return client

    def _open_host(self, client: ThunderClient) -> Host:
        disaggregated = self.cfg.generator.inference_engine.enable_pd
        # Disaggregated prefill has to go through SkyRL's router: it counts as one engine.
        engines = [client.proxy_url] if disaggregated else list(client.server_urls)
        config, tools = self.cfg.thunder_config(), self.cfg.tools_config()
        gateway = self.cfg.thunder.gateway
        if isinstance(gateway, str):
            if tools.backend != "none":
                raise ConfigError("thunder.tools.backend", tools.backend, "must be none: sandboxes are those of thunder.gateway")
            remote = open_remote(gateway, self.cfg.thunder.job, engines, end_on_engine_failure=config.engine_failure == "end")
            client.proxy_url = remote.url
            return remote
        if not gateway:
            return InProcess(
                Session(config, engines, kind=EngineKind.SKYRL, session_of=session_of, tools=tools, tools_apart=True)
            )
        try:
            from thunderagent.adapters.skyrl.router import ThunderRouter
        except ImportError as error:
            raise ConfigError(
                "thunder.gateway", gateway, f"needs a gateway: pip install 'thunderagent[gateway]' ({error})"
            ) from error
        router = ThunderRouter(config, engines, get_node_ip(), tools)
        client.proxy_url = router.start()
        replaced = getattr(self, "_inference_router", None)
        if replaced is not None and not disaggregated:
            replaced.shutdown()
            self._inference_router = router
        return router

    def get_generator(self, cfg: Any, tokenizer: Any, inference_engine_client: Any) -> Any:
        """The user's generator; environments are told their programs and each batch its phase on the way in, the times of its
        trajectories are noted on the way out."""
        generator = cast(Any, super()).get_generator(cfg, tokenizer, inference_engine_client)
        inner = generator.generate

        @functools.wraps(inner)  # the fully-async trainer looks for `disable_tqdm` in the signature
        async def generate(input_batch: Any, *args: Any, **kwargs: Any) -> Any:
            metadata = input_batch.get("batch_metadata")
            times = TrajectoryTimes()
            tokens = PHASE.set(metadata.training_phase if metadata is not None else PHASE.get()), TIMES.set(times)
            try:
                self._offer_tools(input_batch)
                output = await inner(input_batch, *args, **kwargs)
            finally:
                PHASE.reset(tokens[0])
                TIMES.reset(tokens[1])
            times.split(output, input_batch.get("trajectory_ids") or ())
            return output

        generator.generate = generate
        return generator

    def _offer_tools(self, input_batch: Any) -> None:
        tools = self.host.tools if self.host is not None else None
        if tools is not None:
            use(tools)
            name_programs(input_batch)

    def get_tracker(self) -> Any:
        """The user's tracker; scheduler metrics join the last log call of each step and, with W&B, the summary.

        ``thunder/train/*`` and ``thunder/eval/*`` are those of the step. The others tell of the scheduler since the step before,
        and W&B draws them over wall time; with ``thunder.wandb`` they are in a run of their own, sampled more often.
        """
        tracker = cast(Any, super()).get_tracker()
        logger = tracker.logger
        inner, inner_finish = tracker.log, tracker.finish
        define = functools.cache(functools.partial(define_axes, logger))

        @functools.wraps(inner)
        def log(data: dict[str, Any], step: int, commit: bool = False) -> None:
            if commit and self.host is not None:
                define()
                sample = {} if self.cfg.thunder.wandb else self.host.sample()
                data = {**data, **sample, **self._step_metrics()}
            inner(data, step, commit)

        def finish() -> None:
            run = getattr(logger, "run", None)  # of W&B, while it is open
            if run is not None and self.host is not None:
                run.summary.update({f"thunder/total/{name}": value for name, value in self.host.snapshot().items()})
            inner_finish()

        tracker.log, tracker.finish = log, finish
        return tracker

    def run(self) -> None:
        """SkyRL's run; the profiles are complete however it ends."""
        try:
            cast(Any, super()).run()
        finally:
            if self.host is not None:
                self.host.shutdown()

    def _step_metrics(self) -> dict[str, float]:
        assert self.host is not None, "there is a scheduler"
        phases = self.host.take_window()
        return {f"thunder/{phase}/{name}": value for phase, metrics in phases.items() for name, value in metrics.items()}
