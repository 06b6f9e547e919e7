"""The project that the generator belongs to, scheduled: ``python -m examples.skyrl_custom_generator.train KEY=VALUE ...``

Keys are SkyRL's own and ``thunder.*``. Lines that are there because of thunderagent say so.
"""

from __future__ import annotations

import sys
from typing import Any

from thunderagent.adapters.skyrl import (  # thunderagent; first, as SkyRL 0.3.0 needs it before Python 3.12
    ThunderMixin,
    ThunderSkyRLConfig,
)

# isort: split
from skyrl.train.dataset import PromptDataset
from skyrl.train.entrypoints.main_base import BasePPOExp
from skyrl.train.fully_async_trainer import FullyAsyncRayPPOTrainer
from skyrl.train.fully_async_trainer_sim import FullyAsyncTrainerSim
from skyrl.train.utils import initialize_ray, validate_cfg
from skyrl.train.utils.tracking import Tracking

from examples.skyrl_custom_generator.generator import BookGenerator
from examples.steps import say
from thunderagent.adapters.skyrl.compat import stub_fsdp_worker


class BookExperiment(BasePPOExp):
    """The user's: their generator, SkyRL's fully-async trainer, a line for each step."""

    def get_train_dataset(self) -> Any:
        """SkyRL's, read in this process: eight more, its number, take longer than these few rows."""
        return PromptDataset(self.cfg.data.train_data, self.tokenizer, self.cfg.trainer.max_prompt_length, num_workers=1)

    def get_generator(self, cfg: Any, tokenizer: Any, inference_engine_client: Any) -> Any:
        """The generator of this project."""
        return BookGenerator(tokenizer, inference_engine_client, cfg.generator)

    def get_trainer(self, **given: Any) -> Any:
        """SkyRL's; without GPUs, the one whose optimiser's step is simulated."""
        simulated = self.cfg.trainer.fully_async.simulate_training
        return (FullyAsyncTrainerSim if simulated else FullyAsyncRayPPOTrainer)(**given)

    def get_tracker(self) -> Any:
        """SkyRL's, which prints as well."""
        trainer = self.cfg.trainer
        return StepLines(trainer.project_name, trainer.run_name, trainer.logger, self.cfg, trainer.tags)


class ScheduledExperiment(ThunderMixin, BookExperiment):  # thunderagent
    """The same with every turn scheduled."""


class StepLines(Tracking):
    """SkyRL's tracker, and a line on stdout with each step's figures."""

    _figures: dict[str, Any]

    def log(self, data: dict[str, Any], step: int, commit: bool = False) -> None:
        """As SkyRL's."""
        super().log(data, step, commit)
        self._figures = {**getattr(self, "_figures", {}), **data}
        if commit:
            of = self._figures.get
            say(
                step,
                reward=of("reward/avg_raw_reward", 0),
                hit_rate=of("thunder/train/kv_hit_rate", 0),
                held_s=of("thunder/train/pause_mean_s", 0),
                turns=of("thunder/train/turns", 0),
                took_s=of("timing/step", 0),
            )


def main() -> None:
    """As in SkyRL's own entry points."""
    cfg = ThunderSkyRLConfig.from_cli_overrides(sys.argv[1:])  # thunderagent, instead of SkyRLTrainConfig
    if cfg.trainer.fully_async.simulate_training:
        stub_fsdp_worker()  # SkyRL imports flash-attn even where it trains nothing
    validate_cfg(cfg)
    initialize_ray(cfg)
    ScheduledExperiment(cfg).run()


if __name__ == "__main__":
    main()
