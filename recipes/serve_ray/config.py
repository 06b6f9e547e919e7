"""The recipe's configuration: that of ``recipes.serve``, and what concerns Ray."""

from __future__ import annotations

from dataclasses import dataclass, field

from recipes.common.config import require_positive
from recipes.serve.config import ENGINES, EngineConfig, ServeConfig
from thunderagent.adapters.engines.urls import engine_urls
from thunderagent.errors import ConfigError


@dataclass
class RayEngineConfig(EngineConfig):
    """Engines at ``urls``, engines that are ``actors``, or both; the embedded ones are actors of this recipe."""

    port: int = 0
    """Embedded: always 0, a free one each, on whatever nodes they are."""
    actors: list[str] = field(default_factory=list)
    """Names of actors that are engines, or how they begin and ``*``; they tell their URLs by ``get_url`` or
    ``get_server_info``."""


@dataclass
class RayConfig:
    """The cluster, and what runs in it."""

    address: str | None = None
    """``auto``: the cluster of this machine or of RAY_ADDRESS; ``HOST:PORT`` or ``ray://HOST:10001``: that one; null: a small one
    is started here, and ends with this command."""
    name: str = "thunderagent"
    """The scheduler's, and that of the application in Serve: ``thunder.gateway=ray:NAME`` for training jobs."""
    scheduler_cpus: float = 1.0
    """CPUs that a cluster keeps for the scheduler; a small one that this command starts keeps none."""
    gateway_cpus: float = 1.0
    """CPUs that a cluster keeps for each gateway, in the same way."""
    min_gateways: int = 1
    """Gateways that run however little there is to do."""
    max_gateways: int = 4
    """Gateways that run at most."""
    turns_per_gateway: int = 256
    """Turns in flight per gateway, waiting ones included: with more, another gateway is started."""
    stay: bool = False
    """Leave everything running in the cluster when it is up, instead of ending it with this command."""


@dataclass
class ServeRayConfig(ServeConfig):
    """All of it."""

    engine: RayEngineConfig = field(default_factory=RayEngineConfig)
    ray: RayConfig = field(default_factory=RayConfig)

    def validate(self) -> None:
        """Check everything that can be checked without a cluster.

        Raises:
            ConfigError: names the key, its value and what is allowed.
        """
        super().validate()
        for name in ("min_gateways", "max_gateways", "turns_per_gateway"):
            require_positive(self.ray, "ray", name)
        if self.ray.max_gateways < self.ray.min_gateways:
            raise ConfigError(
                "ray.max_gateways", self.ray.max_gateways, f"must be at least ray.min_gateways={self.ray.min_gateways}"
            )
        for name in ("scheduler_cpus", "gateway_cpus"):
            if not getattr(self.ray, name) >= 0:
                raise ConfigError(f"ray.{name}", getattr(self.ray, name), "must be 0 or more")
        if not self.ray.name or not self.ray.name.isprintable():
            raise ConfigError("ray.name", self.ray.name, "must be a name, such as thunderagent")
        if self.ray.stay and (self.ray.address is None or self.engine.kind == "simulated"):
            raise ConfigError("ray.stay", True, "goes with ray.address and served engines: those of this command end with it")
        if self.gateway.router_for is not None or self.gateway.admin_port is not None:
            key = "router_for" if self.gateway.router_for is not None else "admin_port"
            raise ConfigError(f"gateway.{key}", getattr(self.gateway, key), "does not go with gateways in Ray Serve")
        if self.gateway.port == 0:
            raise ConfigError("gateway.port", 0, "must be from 1 to 65535: Serve's proxies of all nodes listen on it")

    def _validate_engine(self) -> None:
        engine = self.engine
        if engine.kind not in ENGINES:
            raise ConfigError("engine.kind", engine.kind, f"must be one of {', '.join(ENGINES)}")
        if engine.kind == "simulated":
            engine.validate_embedded()
            require_positive(engine, "engine", "count")
            if engine.urls or engine.actors:
                key, given = ("urls", engine.urls) if engine.urls else ("actors", engine.actors)
                raise ConfigError(f"engine.{key}", ",".join(given), "goes with engine=vllm or engine=sglang")
            if engine.port != 0:
                raise ConfigError("engine.port", engine.port, "must be 0: the engines take free ones, on whatever nodes they are")
            return
        if not engine.urls and not engine.actors:
            raise ConfigError(
                "engine.urls", engine.urls, "name engines: engine.urls=[http://host:8000], or engine.actors=[NAME*]"
            )
        if engine.urls:
            engine_urls("engine.urls", engine.urls)
