"""The Hydra application: engines, if they are embedded, and the gateway in front of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from recipes.common import hydra_config
from recipes.common.config import CONFIG_DIR
from recipes.common.entry import fail
from recipes.common.hydra_config import writable
from recipes.serve.config import ServeConfig
from recipes.serve.engines import engines
from thunderagent.cli.start import start
from thunderagent.errors import ConfigError

ConfigStore.instance().store(name="serve_schema", node=writable(ServeConfig))


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="serve")  # type: ignore[untyped-decorator]
def app(composed: DictConfig) -> None:
    """Serve until a signal comes."""
    try:
        serve(from_omegaconf(composed), Path(HydraConfig.get().runtime.output_dir))
    except ConfigError as error:  # here, because Hydra prints a line of its own for what passes through it
        fail(str(error))


def from_omegaconf(composed: DictConfig) -> ServeConfig:
    """The validated configuration.

    Raises:
        ConfigError: names the key, its value and what is allowed.
    """
    return hydra_config.from_omegaconf(composed, ServeConfig)


def serve(config: ServeConfig, out_dir: Path) -> None:
    """Start what is embedded, serve, and end it again, however that ends.

    Raises:
        ConfigError: something cannot be started.
    """
    settings, scheduling = config.settings(), config.thunder_config(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    with engines(config.engine, out_dir) as (urls, kind), _as_keys():
        tools = None if config.tools.backend == "none" else config.tools
        start(scheduling, settings, urls, kind, log_level=config.log_level, log_format=config.log_format, tools=tools)


@contextmanager
def _as_keys() -> Iterator[None]:
    """The gateway names its settings; here they are in a section."""
    try:
        yield
    except ConfigError as error:
        raise error if "." in error.key else ConfigError(f"gateway.{error.key}", error.value, error.allowed) from None
