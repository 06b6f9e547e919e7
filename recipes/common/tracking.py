"""Where metrics go besides the run's own directory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from thunderagent.errors import ConfigError

TRACKERS = ("auto", "offline", "online", "off")


@dataclass
class TrackingConfig:
    """Section ``tracking``."""

    wandb: str = "auto"
    """``auto``: W&B, offline unless you are logged in; ``offline``, ``online``, ``off``."""
    project: str = "thunderagent"
    """W&B project."""

    def validate(self) -> None:
        """Check the choice.

        Raises:
            ConfigError: names it and what is allowed.
        """
        if self.wandb not in TRACKERS:
            raise ConfigError("tracking.wandb", self.wandb, f"must be one of {', '.join(TRACKERS)}")


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
    if chosen == "off":
        return "disabled"
    if "WANDB_MODE" in os.environ:
        return None
    logged_in = "WANDB_API_KEY" in os.environ or "api.wandb.ai" in _text(Path.home() / ".netrc")
    return None if logged_in else "offline"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
