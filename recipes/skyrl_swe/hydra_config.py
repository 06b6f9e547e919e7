"""Between Hydra and the recipe's dataclasses."""

from __future__ import annotations

from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig

from recipes.common import hydra_config
from recipes.skyrl_swe.config import RecipeConfig


def register_schema() -> None:
    """Make the dataclasses known to Hydra as ``skyrl_swe_schema``."""
    ConfigStore.instance().store(name="skyrl_swe_schema", node=hydra_config.writable(RecipeConfig))


def from_omegaconf(composed: DictConfig) -> RecipeConfig:
    """The validated configuration.

    Raises:
        ConfigError: names the key, its value and what is allowed.
    """
    return hydra_config.from_omegaconf(composed, RecipeConfig)


def from_dict(values: dict[str, Any]) -> RecipeConfig:
    """The configuration from its plain form (``dataclasses.asdict``)."""
    return hydra_config.from_dict(values, RecipeConfig)
