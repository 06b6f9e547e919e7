"""The Hydra application: a cluster, engines if they are embedded, the scheduler and its gateways."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from pathlib import Path

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from recipes.common import hydra_config
from recipes.common.config import CONFIG_DIR
from recipes.common.entry import fail
from recipes.common.hydra_config import writable
from recipes.serve_ray.config import ServeRayConfig
from thunderagent.cli.start import say
from thunderagent.errors import ConfigError, LinkError

ConfigStore.instance().store(name="serve_ray_schema", node=writable(ServeRayConfig))


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="serve_ray")  # type: ignore[untyped-decorator]
def app(composed: DictConfig) -> None:
    """Serve until a signal comes."""
    try:
        run(from_omegaconf(composed), Path(HydraConfig.get().runtime.output_dir))
    except (ConfigError, LinkError) as error:  # here, because Hydra prints a line of its own for what passes through it
        fail(str(error))


def from_omegaconf(composed: DictConfig) -> ServeRayConfig:
    """The validated configuration.

    Raises:
        ConfigError: names the key, its value and what is allowed.
    """
    return hydra_config.from_omegaconf(composed, ServeRayConfig)


def run(config: ServeRayConfig, out_dir: Path) -> None:
    """Start everything, serve, and end what was started, however that ends.

    Raises:
        ConfigError: something cannot be started.
        LinkError: the cluster does not start the scheduler.
    """
    settings = config.settings()
    out_dir.mkdir(parents=True, exist_ok=True)
    import ray

    from recipes.serve_ray.engines import DIALECT, start_engines
    from thunderagent.adapters.ray.cluster import join
    from thunderagent.adapters.ray.deploying import deploy, end
    from thunderagent.adapters.ray.gateways import GatewaySetup
    from thunderagent.adapters.ray.scheduler import SchedulerSetup

    with ExitStack() as ends:
        ours = join("ray.address", config.ray.address)
        ends.callback(ray.shutdown)
        actors, kind = tuple(config.engine.actors), config.engine.kind
        if kind == "simulated":
            engines, names = start_engines(config.ray.name, config.engine, config.engine.count, loopback=ours)
            ends.push(lambda *_: engines.clear())  # they are kept until here
            actors, kind = (names,), DIALECT
        logged = {"log_level": config.log_level, "log_format": config.log_format}
        scheduler = SchedulerSetup(
            config.thunder_config(out_dir.resolve()),
            settings,
            tuple(config.engine.urls),
            actors,
            kind,
            None if config.tools.backend == "none" else config.tools,
            loopback=ours,
            **logged,
        )
        gateways = GatewaySetup(
            config.ray.name,
            settings,
            config.ray.min_gateways,
            config.ray.max_gateways,
            config.ray.turns_per_gateway,
            num_cpus=0 if ours else config.ray.gateway_cpus,
            **logged,
        )
        cpus = 0 if ours else config.ray.scheduler_cpus
        try:
            url = deploy(config.ray.name, scheduler, gateways, host=settings.host, port=settings.port, num_cpus=cpus)
        except ConfigError as error:
            raise error if error.key != "name" else ConfigError("ray.name", error.value, error.allowed) from None
        say("note", f"gateways of the scheduler {config.ray.name!r} are at {url}")
        if config.ray.stay:
            return
        ends.callback(end, config.ray.name)
        say("note", "Ctrl-C ends them" + (f"; try them: python -m recipes.serve.agents --url {url}" if ours else ""))
        signal.pause()
