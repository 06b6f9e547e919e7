"""SkyRL, wired: the scheduler of an experiment, and the entry point for SkyRL's own command line."""

from __future__ import annotations

import sys
from typing import Any, cast

from thunderagent.adapters.skyrl.compat import prepare_import, stub_fsdp_worker

prepare_import()

import ray  # noqa: E402
from skyrl.train.entrypoints.main_base import BasePPOExp  # noqa: E402
from skyrl.train.fully_async_trainer import FullyAsyncRayPPOTrainer  # noqa: E402
from skyrl.train.fully_async_trainer_sim import FullyAsyncTrainerSim  # noqa: E402
from skyrl.train.utils import initialize_ray, validate_cfg  # noqa: E402

from thunderagent.adapters.engines.reading import EngineKind  # noqa: E402
from thunderagent.adapters.skyrl.client import Host  # noqa: E402
from thunderagent.adapters.skyrl.config import ThunderSkyRLConfig  # noqa: E402
from thunderagent.adapters.skyrl.mixin import SchedulingMixin  # noqa: E402
from thunderagent.adapters.trajectory_ids import session_of  # noqa: E402
from thunderagent.errors import ConfigError  # noqa: E402
from thunderagent.session import Session  # noqa: E402


class ThunderMixin(SchedulingMixin):
    """For any subclass of ``BasePPOExp`` whose configuration is a ``ThunderSkyRLConfig``."""

    cfg: ThunderSkyRLConfig
    session: Session | None = None

    def open_host(self, server_urls: list[str]) -> Host:
        """A session over SkyRL's engines, from the ``thunder`` section."""
        self.session = Session(self.cfg.thunder_config(), server_urls, kind=EngineKind.SKYRL, session_of=session_of)
        return self.session

    def run(self) -> None:
        """SkyRL's run; the profiles are complete however it ends."""
        try:
            cast(Any, super()).run()
        finally:
            if self.session is not None:
                self.session.close()


class ThunderExp(ThunderMixin, BasePPOExp):
    """SkyRL's experiment, scheduled; the trainer follows ``trainer.fully_async``."""

    def get_trainer(self, *args: Any, **kwargs: Any) -> Any:
        """The synchronous trainer, the fully-async one, or the fully-async one with simulated training steps."""
        fully_async = self.cfg.trainer.fully_async
        if fully_async.enabled and fully_async.simulate_training:
            return FullyAsyncTrainerSim(*args, **kwargs)
        if fully_async.enabled:
            return FullyAsyncRayPPOTrainer(*args, **kwargs)
        return super().get_trainer(*args, **kwargs)


@ray.remote(num_cpus=1, max_retries=0)  # type: ignore[untyped-decorator]
def _run(cfg: ThunderSkyRLConfig) -> None:
    if cfg.trainer.fully_async.simulate_training:
        stub_fsdp_worker()
    ThunderExp(cfg).run()


def main() -> None:
    """Run SkyRL's experiment, scheduled, from its own command line."""
    arguments = [argument for argument in sys.argv[1:] if not argument.startswith("trainer.override_entrypoint=")]
    cfg = ThunderSkyRLConfig.from_cli_overrides(arguments)
    try:
        cfg.thunder_config()
    except ConfigError as error:
        sys.exit(f"error: {error}")
    validate_cfg(cfg)
    initialize_ray(cfg)
    ray.get(_run.remote(cfg))
