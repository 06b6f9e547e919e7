"""Where metrics go besides the run's own directory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from thunderagent.adapters.tracking.wandb_login import mode_of_environment
from thunderagent.checks import wandb_project
from thunderagent.errors import ConfigError

TRACKERS = ("auto", "offline", "online", "off")


@dataclass
class TrackingConfig:
    """Section ``tracking``."""

    wandb: str = "auto"
    """``auto``: W&B, offline unless you are logged in; ``offline``, ``online``, ``off``."""
    project: str = "thunderagent"
    """W&B project; the training and the scheduler have a run each in it."""

    def validate(self) -> None:
        """Check both.

        Raises:
            ConfigError: names it and what is allowed.
        """
        if self.wandb not in TRACKERS:
            raise ConfigError("tracking.wandb", self.wandb, f"must be one of {', '.join(TRACKERS)}")
        problem = wandb_project(self.project)
        if problem is not None:
            raise ConfigError("tracking.project", self.project, problem)

    @property
    def scheduling_project(self) -> str | None:
        """Of the scheduler's own run, beside that of the training; None: W&B is told nothing."""
        return None if self.wandb == "off" else self.project


def wandb_environment(chosen: str, out_dir: Path) -> dict[str, str]:
    """What W&B is told through the environment of a run."""
    environment = {"WANDB_DIR": str(out_dir.resolve()), "WANDB_SILENT": "true"}
    mode = _wandb_mode(chosen)
    if mode is not None:
        environment["WANDB_MODE"] = mode
    if mode == "offline" and "WANDB_API_KEY" not in os.environ:
        environment["WANDB_API_KEY"] = "0" * 40  # SkyRL asks for one even offline
    return environment


def _wandb_mode(chosen: str) -> str | None:
    if chosen in ("offline", "online"):
        return chosen
    return "disabled" if chosen == "off" else mode_of_environment()
