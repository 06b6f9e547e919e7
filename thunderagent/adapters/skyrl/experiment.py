"""SkyRL's experiment, scheduled, and the entry point for SkyRL's own command line."""

from __future__ import annotations

import sys
from typing import Any

import ray
from skyrl.train.entrypoints.main_base import BasePPOExp
from skyrl.train.fully_async_trainer import FullyAsyncRayPPOTrainer
from skyrl.train.fully_async_trainer_sim import FullyAsyncTrainerSim
from skyrl.train.utils import initialize_ray, validate_cfg

from thunderagent.adapters.skyrl.compat import complete_simulated_dispatch, stub_fsdp_worker
from thunderagent.adapters.skyrl.config import ThunderSkyRLConfig, refuse_unknown_keys
from thunderagent.adapters.skyrl.mixin import ThunderMixin


class ThunderExp(ThunderMixin, BasePPOExp):
    """SkyRL's experiment, scheduled; the trainer follows ``trainer.fully_async``."""

    def get_trainer(self, *args: Any, **kwargs: Any) -> Any:
        """The synchronous trainer, the fully-async one, or the fully-async one with simulated training steps."""
        fully_async = self.cfg.trainer.fully_async
        if fully_async.enabled and fully_async.simulate_training:
            complete_simulated_dispatch()
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
    """Run SkyRL's experiment, scheduled, from its own command line.

    Raises:
        ConfigError: one of the keys ``thunder.*`` is not usable.
    """
    arguments = [argument for argument in sys.argv[1:] if not argument.startswith("trainer.override_entrypoint=")]
    refuse_unknown_keys(arguments)
    cfg = ThunderSkyRLConfig.from_cli_overrides(arguments)
    cfg.thunder_config()
    cfg.tools_config()
    validate_cfg(cfg)
    initialize_ray(cfg)
    ray.get(_run.remote(cfg))
