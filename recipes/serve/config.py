"""The recipe's configuration: defaults live here, the YAML files under ``configs/`` hold differences."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from recipes.common.config import CapacityConfig, SchedulingConfig, ThunderSwitch, require_positive, thunder_config
from recipes.common.config import EngineConfig as CommonEngineConfig
from thunderagent.adapters.engines.detect import ENGINE_KINDS
from thunderagent.adapters.engines.urls import engine_urls
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.cli.key_sources import ADMIN_KEY_ENV, API_KEY_ENV, keys_of_environment, keys_of_file
from thunderagent.config import ThunderConfig
from thunderagent.errors import ConfigError
from thunderagent.logs import LOG_FORMAT, LOG_FORMATS, LOG_LEVEL, LOG_LEVELS
from thunderagent.tools_config import ToolsConfig

ENGINES = ("simulated", *ENGINE_KINDS)


@dataclass
class EngineConfig(CommonEngineConfig):
    """Which engines the gateway stands in front of; ``kind`` may be ``skyrl``, its own servers, or ``auto``: they show it."""

    kv_capacity_tokens: int = 48_000
    """Embedded: size of its KV cache. The agents of ``recipes.serve.agents`` ask for about four times this at the end."""
    count: int = 1
    """Embedded: how many engines."""
    port: int = 8301
    """Embedded: port of the first engine, on this machine; the others have the next ones. 0 takes free ones."""


@dataclass
class ServeConfig:
    """All of it."""

    engine: EngineConfig = field(default_factory=EngineConfig)
    scheduling: SchedulingConfig = field(default_factory=SchedulingConfig)
    capacity: CapacityConfig = field(default_factory=CapacityConfig)
    thunder: ThunderSwitch = field(default_factory=ThunderSwitch)
    gateway: GatewaySettings = field(default_factory=GatewaySettings)
    tools: ToolsConfig = field(default_factory=ToolsConfig)
    """Sandboxes of programs (Hydra group ``tools``)."""
    api_key_file: str | None = None
    """Clients must send one of the keys in this file, one per line; those in THUNDERAGENT_API_KEY are taken as well."""
    admin_key_file: str | None = None
    """Management asks for one of the keys in this file; those in THUNDERAGENT_ADMIN_KEY are taken as well."""
    profiles: bool = True
    """Whether every step is written to ``profile.csv`` and ``profile.jsonl`` in the run's directory."""
    wandb: str | None = None
    """W&B project, or ``ENTITY/PROJECT``, that gets a run with the scheduler's numbers; offline without a key; null: none."""
    log_level: str = LOG_LEVEL
    """What is logged; ``debug``: with a line for each change in the life of a program."""
    log_format: str = LOG_FORMAT
    """``text``, or ``json``: one object per line."""

    def validate(self) -> None:
        """Check everything that can be checked without an engine.

        Raises:
            ConfigError: names the key, its value and what is allowed.
        """
        if self.log_level not in LOG_LEVELS:
            raise ConfigError("log_level", self.log_level, f"must be one of {', '.join(LOG_LEVELS)}")
        if self.log_format not in LOG_FORMATS:
            raise ConfigError("log_format", self.log_format, f"must be one of {', '.join(LOG_FORMATS)}")
        self._validate_engine()
        self.capacity.validate()
        self.thunder_config(None).validate(prefix="scheduling.")
        self.gateway.validate()
        self.tools.validate()
        for name in ("api_keys", "admin_keys"):
            if getattr(self.gateway, name):  # Hydra writes what it is told to a file
                raise ConfigError(f"gateway.{name}", "***", f"give keys by {name[:-1]}_file=FILE or in the environment")

    def thunder_config(self, out_dir: Path | None) -> ThunderConfig:
        """The scheduler's settings for this run."""
        profile_dir = str(out_dir) if out_dir is not None and self.profiles else None
        return thunder_config(self.scheduling, self.capacity, self.thunder, profile_dir=profile_dir, wandb=self.wandb)

    def settings(self) -> GatewaySettings:
        """The gateway's settings, with their keys.

        Raises:
            ConfigError: a file of keys cannot be used, or keys do not go with the other settings.
        """
        api = () if self.api_key_file is None else keys_of_file("api_key_file", Path(self.api_key_file))
        admin = () if self.admin_key_file is None else keys_of_file("admin_key_file", Path(self.admin_key_file))
        settings = replace(
            self.gateway,
            api_keys=tuple(dict.fromkeys((*api, *keys_of_environment(API_KEY_ENV)))),
            admin_keys=tuple(dict.fromkeys((*admin, *keys_of_environment(ADMIN_KEY_ENV)))),
        )
        settings.validate()
        return settings

    def _validate_engine(self) -> None:
        engine = self.engine
        if engine.kind not in ENGINES:
            raise ConfigError("engine.kind", engine.kind, f"must be one of {', '.join(ENGINES)}")
        if engine.kind == "simulated":
            engine.validate_embedded()
            require_positive(engine, "engine", "count")
            if not 0 <= engine.port <= 65_536 - engine.count:
                raise ConfigError("engine.port", engine.port, "must be from 0 (takes free ones) to 65535")
            if engine.urls:
                raise ConfigError("engine.urls", ",".join(engine.urls), "goes with engine=vllm or engine=sglang")
            return
        if not engine.urls and self.gateway.router_for is None:
            raise ConfigError("engine.urls", engine.urls, "name at least one served engine: engine.urls=[http://host:8000]")
        engine_urls("engine.urls", engine.urls)
