"""``thunderagent serve``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from thunderagent.adapters.engines.detect import AUTO, ENGINE_KINDS
from thunderagent.adapters.engines.urls import engine_urls
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.cli import serve_options as options
from thunderagent.cli import tools_options, units
from thunderagent.cli.key_sources import ADMIN_KEY_ENV, API_KEY_ENV, key_given, keys_of_environment, keys_of_file
from thunderagent.cli.layout import layout_of
from thunderagent.cli.start import say, start
from thunderagent.config import MODES, ThunderConfig
from thunderagent.errors import ConfigError
from thunderagent.logs import LOG_FORMAT, LOG_FORMATS, LOG_LEVEL, LOG_LEVELS
from thunderagent.tools_config import ToolsConfig

T = TypeVar("T")
PUBLISHED_HALF_LIFE_S = 1.0
"""Of the published policy: f(t) = 2^-t."""
NAMES = {
    "engine.urls": "--backends",
    "engine_poll_s": "--metrics-interval",
    "thunder.kv_events": "--kv-events",
    "thunder.wandb": "--wandb",
    "wandb_interval_s": "--wandb-interval",
    "tick_s": "--scheduler-interval",
    "max_body_bytes": "--max-body",
    "profile_max_bytes": "--profile-max",
    "max_wait_s": "--max-wait",
    "timeout_s": "--timeout",
    "drain_s": "--drain",
    "idle_ttl_s": "--idle-ttl",
    **tools_options.NAMES,
}
"""Options that are not called as the settings that they set."""


def serve(
    *,
    backends: options.Backends = [],
    backend_type: options.BackendType = AUTO,
    capacity_tokens: options.CapacityTokens = None,
    metrics_interval: options.MetricsInterval = options.METRICS_INTERVAL,
    kv_events: options.KvEvents = None,
    kv_events_replay: options.KvEventsReplay = None,
    router_for: options.RouterFor = None,
    router: options.Router = "thunder",
    routing: options.Routing = None,
    programs_per_engine: options.ProgramsPerEngine = None,
    order: options.Order = None,
    scheduler_interval: options.SchedulerInterval = None,
    acting_token_weight: options.ActingTokenWeight = None,
    use_acting_token_decay: options.ActingTokenDecay = False,
    published: options.Published = False,
    idle_ttl: options.IdleTtl = options.IDLE_TTL,
    host: options.Host = GatewaySettings.host,
    port: options.Port = GatewaySettings.port,
    port_file: options.PortFile = None,
    admin_port: options.AdminPort = None,
    api_key_file: options.ApiKeyFile = None,
    api_key_env: options.ApiKeyEnv = None,
    api_key: options.ApiKey = None,
    admin_key_file: options.AdminKeyFile = None,
    gateways: options.Gateways = 1,
    scheduler: options.Scheduler = None,
    listen: options.Listen = None,
    link_token_file: options.LinkTokenFile = None,
    max_body: options.MaxBody = options.MAX_BODY,
    max_queue: options.MaxQueue = options.MAX_QUEUE,
    max_wait: options.MaxWait = options.MAX_WAIT,
    timeout: options.Timeout = options.TIMEOUT,
    drain: options.Drain = options.DRAIN,
    tools: tools_options.Tools = ToolsConfig.backend,
    tools_image: tools_options.Image = None,
    tools_setup: tools_options.Setup = None,
    tools_url: tools_options.Url = None,
    tools_folder: tools_options.Folder = None,
    tools_images: tools_options.Images = None,
    tools_max_sandboxes: tools_options.MaxSandboxes = None,
    tools_max_disk: tools_options.MaxDisk = None,
    tools_max_memory: tools_options.MaxMemory = None,
    tools_preparing: tools_options.Preparing = ToolsConfig.max_preparing,
    tools_idle_ttl: tools_options.IdleTtl = tools_options.IDLE_TTL,
    tools_ports: tools_options.Ports = None,
    profile: options.Profile = None,
    profile_dir: options.ProfileDir = None,
    profile_max: options.ProfileMax = options.PROFILE_MAX,
    profile_keep: options.ProfileKeep = ThunderConfig.profile_keep,
    wandb: options.Wandb = None,
    wandb_interval: options.WandbInterval = options.WANDB_INTERVAL,
    metrics: options.Metrics = True,
    otel: options.Otel = False,
    log_level: options.LogLevel = LOG_LEVEL,
    log_format: options.LogFormat = LOG_FORMAT,
) -> None:
    """Serve: an OpenAI-compatible gateway in front of your engines, which schedules whole agent runs.

    Point any OpenAI client at it, and give all turns of one agent the same extra_body={"program_id": "..."}. A request
    without an id is a run of its own. Everything else is in docs/serving.md.

    Examples:

      thunderagent serve --backends http://gpu1:8000,http://gpu2:8000

      thunderagent serve --backends http://gpu1:8000 --host 0.0.0.0 --api-key-file keys.txt --admin-port 8301

      thunderagent serve --backends http://gpu1:8000 --router default      (to compare with)

      thunderagent serve --backends http://gpu1:8000 --tools docker --tools-image python:3.12

      thunderagent serve --backends http://gpu1:8000,http://gpu2:8000 --gateways 4
    """
    layout = layout_of(gateways, scheduler, listen, link_token_file)
    schedulers: tuple[tuple[str, object, object], ...] = (
        ("--backends", backends, []),
        ("--router", router, "thunder"),
        ("--capacity-tokens", capacity_tokens, None),
        ("--kv-events", kv_events, None),
        ("--tools", tools, ToolsConfig.backend),
        ("--profile-dir", profile_dir, None),
        ("--wandb", wandb, None),
        ("--admin-port", admin_port, None),
        ("--router-for", router_for, None),
    )
    for option, given, default in schedulers:
        if scheduler is not None and given != default:
            raise ConfigError(option, given, "goes to the scheduler, not to a gateway of it")
    _require_one_of("--backend-type", backend_type, ENGINE_KINDS)
    _require_one_of("--router", router, MODES)
    _require_one_of("--log-level", log_level, LOG_LEVELS)
    _require_one_of("--log-format", log_format, LOG_FORMATS)
    for option, value, wanted in (
        ("--routing", routing, "default"),
        ("--programs-per-engine", programs_per_engine, "cap"),
        ("--order", order, "thunder"),
        ("--scheduler-interval", scheduler_interval, "tr"),
        ("--acting-token-weight", acting_token_weight, "tr"),
        ("--use-acting-token-decay", use_acting_token_decay or None, "tr"),
        ("--published", published or None, "tr"),
    ):
        if value is not None and router != wanted:
            raise ConfigError(option, value, f"goes with --router {wanted}, not with --router {router}")
    if profile_dir is not None and profile is False:
        raise ConfigError("--profile-dir", profile_dir, "does not go with --no-profile")
    if port_file is not None and not port_file.absolute().parent.is_dir():
        raise ConfigError("--port-file", port_file, "its folder does not exist")
    urls = _urls(backends) if backends or (router_for is None and scheduler is None) else []
    config = ThunderConfig(
        mode=router,
        capacity_tokens=capacity_tokens,
        programs_per_engine=_or(programs_per_engine, ThunderConfig.programs_per_engine),
        routing=_or(routing, ThunderConfig.routing),
        order=_or(order, ThunderConfig.order),
        published=published,
        acting_token_weight=_or(acting_token_weight, ThunderConfig.acting_token_weight),
        acting_half_life_s=PUBLISHED_HALF_LIFE_S if use_acting_token_decay else None,
        tick_s=None if scheduler_interval is None else units.parse_seconds("--scheduler-interval", scheduler_interval),
        idle_ttl_s=units.parse_seconds_or_none("--idle-ttl", idle_ttl),
        engine_poll_s=units.parse_seconds("--metrics-interval", metrics_interval),
        kv_events=kv_events,
        kv_events_replay=kv_events_replay,
        profile_dir=None if profile_dir is None else str(profile_dir),
        profile_max_bytes=units.parse_bytes("--profile-max", profile_max),
        profile_keep=profile_keep,
        wandb=wandb,
        wandb_interval_s=units.parse_seconds("--wandb-interval", wandb_interval),
    )
    settings = GatewaySettings(
        host=host,
        port=port,
        admin_port=admin_port,
        router_for=router_for,
        api_keys=_api_keys(api_key_file, api_key_env, api_key),
        admin_keys=_admin_keys(admin_key_file),
        max_body_bytes=units.parse_bytes("--max-body", max_body),
        max_queue=units.parse_whole_or_none("--max-queue", max_queue),
        max_wait_s=units.parse_seconds_or_none("--max-wait", max_wait),
        timeout_s=units.parse_seconds("--timeout", timeout),
        drain_s=units.parse_seconds("--drain", drain),
        keep_profiles=GatewaySettings.keep_profiles if profile or profile_dir is not None else 0,
        metrics=metrics,
        otel=otel,
    )
    sandboxes = tools_options.tools_config(
        tools,
        image=tools_image,
        setup=tools_setup,
        url=tools_url,
        folder=tools_folder,
        images=tools_images,
        max_sandboxes=tools_max_sandboxes,
        max_disk=tools_max_disk,
        max_memory=tools_max_memory,
        preparing=tools_preparing,
        idle_ttl=tools_idle_ttl,
        ports=tools_ports,
    )
    with _as_options():
        if sandboxes is not None:
            sandboxes.validate()
        config.validate(prefix="")
        settings.validate(prefix="")
        start(
            *(config, settings, urls, backend_type),
            log_level=log_level,
            log_format=log_format,
            port_file=port_file,
            tools=sandboxes,
            layout=layout,
        )


def _urls(backends: list[str]) -> list[str]:
    texts = [text.strip() for backend in backends for text in backend.split(",") if text.strip()]
    if not texts:
        raise ConfigError(
            "--backends", ",".join(backends), "name the engines, such as --backends http://gpu1:8000,http://gpu2:8000"
        )
    urls, notes = engine_urls("--backends", texts)
    for note in notes:
        say("note", note)
    return urls


def _api_keys(file: Path | None, variable: str | None, key: str | None) -> tuple[str, ...]:
    keys = () if file is None else keys_of_file("--api-key-file", file)
    if variable is None:
        keys += keys_of_environment(API_KEY_ENV)
    else:
        keys += keys_of_environment(variable, option="--api-key-env")
    if key is not None:
        keys += key_given("--api-key", key)
        say("warning", "every user of this machine can see --api-key in the list of processes; use --api-key-file")
    return tuple(dict.fromkeys(keys))


def _admin_keys(file: Path | None) -> tuple[str, ...]:
    keys = () if file is None else keys_of_file("--admin-key-file", file)
    return tuple(dict.fromkeys((*keys, *keys_of_environment(ADMIN_KEY_ENV))))


def _require_one_of(option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigError(option, value, f"must be one of {', '.join(allowed)}")


@contextmanager
def _as_options() -> Iterator[None]:
    """Errors name the options of the command line, not the settings behind them."""
    try:
        yield
    except ConfigError as error:
        if error.key.startswith("--"):
            raise
        option = NAMES.get(error.key, f"--{error.key.replace('_', '-').replace('.', '-')}")
        raise ConfigError(option, error.value, error.allowed) from None


def _or(value: T | None, default: T) -> T:
    return default if value is None else value
