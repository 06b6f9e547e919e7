"""The options of ``thunderagent serve``, with their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thunderagent.adapters.engines.detect import ENGINE_KINDS
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.cli.key_sources import ADMIN_KEY_ENV, API_KEY_ENV, LINK_TOKEN_ENV
from thunderagent.cli.units import bytes_text, seconds_text
from thunderagent.config import ROUTINGS, ThunderConfig
from thunderagent.logs import LOG_FORMATS, LOG_LEVELS

# Defaults, as a user would write them.
METRICS_INTERVAL = seconds_text(ThunderConfig.engine_poll_s)
WANDB_INTERVAL = seconds_text(ThunderConfig.wandb_interval_s)
IDLE_TTL = seconds_text(ThunderConfig.idle_ttl_s)
MAX_BODY = bytes_text(GatewaySettings.max_body_bytes)
MAX_QUEUE = str(GatewaySettings.max_queue)
MAX_WAIT = seconds_text(GatewaySettings.max_wait_s)
TIMEOUT = seconds_text(GatewaySettings.timeout_s)
PEER_TIMEOUT = seconds_text(GatewaySettings.peer_timeout_s)
DRAIN = seconds_text(GatewaySettings.drain_s)
PROFILE_MAX = bytes_text(ThunderConfig.profile_max_bytes)


def _in(panel: str, metavar: str | None, text: str, *names: str, default: str | None = None) -> typer.models.OptionInfo:
    """An option in a panel of the help; ``default`` is told where None stands for it."""
    told = text if default is None else f"{text} [dim]\\[default: {default}][/]"
    option: typer.models.OptionInfo = typer.Option(*names, metavar=metavar, help=told, rich_help_panel=panel)
    return option


def _engines(metavar: str, text: str, **more: str) -> typer.models.OptionInfo:
    return _in("Engines", metavar, text, **more)


def _scheduling(metavar: str | None, text: str, *names: str, **more: str) -> typer.models.OptionInfo:
    return _in("Scheduling", metavar, text, *names, **more)


def _listening(metavar: str, text: str, **more: str) -> typer.models.OptionInfo:
    return _in("Listening and keys", metavar, text, **more)


def _processes(metavar: str, text: str, **more: str) -> typer.models.OptionInfo:
    return _in("Several processes", metavar, text, **more)


def _limits(metavar: str, text: str) -> typer.models.OptionInfo:
    return _in("Limits", metavar, text)


def _looking(metavar: str | None, text: str, *names: str) -> typer.models.OptionInfo:
    return _in("What is measured", metavar, text, *names)


Backends = Annotated[
    list[str], _engines("URL,URL", "The engines, as http://host:port, apart by commas. May be given several times.")
]
BackendType = Annotated[
    str, _engines("NAME", f"What they are: {', '.join(ENGINE_KINDS)} (SkyRL's own servers, whose session ids tell groups).")
]
CapacityTokens = Annotated[int | None, _engines("N", "KV cache of each engine, in tokens.", default="what its metrics say")]
MetricsInterval = Annotated[str, _engines("TIME", "Between two looks at an engine's health, capacity and load.")]
KvEvents = Annotated[
    str | None,
    _engines(
        "PORT",
        "Port of each engine's KV cache events (its --kv-events-config); http+1000: its own port and 1000 more.",
        default="they are not read",
    ),
]
KvEventsReplay = Annotated[
    str | None, _engines("PORT", "Port of their replay_endpoint, in the same way.", default="what was missed is not asked for")
]
RouterFor = Annotated[
    str | None,
    _engines("NAME", "slime: stand in for slime's router; its engines join by themselves, and --backends may be left out."),
]

Router = Annotated[
    str,
    _scheduling(
        "NAME",
        "The policy. thunder: ours, admits whole agent runs so that their KV caches stay. tr: the published one. cap: a fixed "
        "number of runs. default: everything passes through and is measured, to compare with.",
    ),
]
Routing = Annotated[str | None, _scheduling("NAME", f"default: {', '.join(ROUTINGS)}.", default=ThunderConfig.routing)]
ProgramsPerEngine = Annotated[
    int | None, _scheduling("N", "cap: agent runs at once on each engine.", default=str(ThunderConfig.programs_per_engine))
]
Order = Annotated[
    str | None,
    _scheduling(
        "NAME",
        "thunder: who is admitted first. waiting: who has waited longest; age: the oldest run, so that a batch ends early.",
        default=ThunderConfig.order,
    ),
]
SchedulerInterval = Annotated[
    str | None, _scheduling("TIME", "tr: decide only so often (published: 5s).", default="with every event")
]
ActingTokenWeight = Annotated[
    float | None, _scheduling("0..1", "tr: share of an agent's tokens that counts while it runs a tool.", default="1")
]
ActingTokenDecay = Annotated[
    bool, _scheduling(None, "tr: those tokens count half after a second, as published.", "--use-acting-token-decay")
]
Published = Annotated[
    bool, _scheduling(None, "tr: with its tick of 5 s and the defects of the public code, to compare with.", "--published")
]
IdleTtl = Annotated[str, _scheduling("TIME", "A run without a request for so long is forgotten; none: never.")]
Store = Annotated[
    Path | None,
    _scheduling(
        "FILE",
        "Runs, their sandboxes, and what was learned of tools and engines, outlive a crash in this SQLite file.",
        default="none",
    ),
]

Host = Annotated[str, _listening("HOST", "127.0.0.1: only this machine reaches it; 0.0.0.0: everybody.")]
Port = Annotated[int, _listening("PORT", "0 takes a free one.")]
PortFile = Annotated[
    Path | None, _listening("FILE", "Gets the gateway's URL once it accepts connections, for whatever starts it.")
]
AdminPort = Annotated[
    int | None, _listening("PORT", "Management (/programs, /workers, ...) on a port of its own.", default="the same")
]
ApiKeyFile = Annotated[Path | None, _listening("FILE", "Clients must send one of the keys in it, one per line.")]
ApiKeyEnv = Annotated[
    str | None,
    _listening("VARIABLE", "The variable that holds the keys, apart by blanks.", default=f"{API_KEY_ENV}, if it is set"),
]
ApiKey = Annotated[
    str | None, _listening("KEY", "The key itself. Every user of this machine can see it in the list of processes.")
]
AdminKeyFile = Annotated[Path | None, _listening("FILE", "The same for management.", default=f"{ADMIN_KEY_ENV}, if it is set")]

Gateways = Annotated[
    int,
    _processes(
        "N", "So many gateway processes on one port, and one scheduler that they share: for machines with cores to spare."
    ),
]
Scheduler = Annotated[
    str | None,
    _processes(
        "ADDRESS", "This is a gateway of a scheduler that runs already (thunderagent scheduler): unix:/path or tcp:host:port."
    ),
]
Listen = Annotated[str | None, typer.Option(hidden=True)]
ListenThere = Annotated[str, _processes("ADDRESS", "Where gateways reach this scheduler: unix:/path or tcp:host:port.")]
LinkTokenFile = Annotated[
    Path | None,
    _processes("FILE", "The secret that a scheduler on TCP and its gateways share.", default=f"{LINK_TOKEN_ENV}, if it is set"),
]

MaxBody = Annotated[str, _limits("SIZE", "A longer request is refused (413).")]
MaxQueue = Annotated[str, _limits("N", "Requests that may wait for admission; one more is refused (429). none: any number.")]
MaxWait = Annotated[str, _limits("TIME", "A request that has waited longer is refused (503). none: it waits.")]
Timeout = Annotated[str, _limits("TIME", "From admission to the last byte of the answer (504).")]
PeerTimeout = Annotated[str, _limits("TIME", "A client or engine whose host has not answered for so long is taken for gone.")]
Drain = Annotated[str, _limits("TIME", "After SIGTERM, running requests may go on for so long.")]

Profile = Annotated[
    bool | None, _looking(None, "Remember the steps of the last runs, for GET /profiles.", "--profile/--no-profile")
]
ProfileDir = Annotated[Path | None, _looking("DIR", "Also write every step to profile.csv and profile.jsonl there.")]
ProfileMax = Annotated[
    str, _looking("SIZE", "Of profile.jsonl; then a new one is begun, and the full one is profile.1.jsonl, profile.2.jsonl, ...")
]
ProfileKeep = Annotated[int, _looking("N", "So many of these older ones stay, each with its CSV.")]
Wandb = Annotated[
    str | None,
    _looking(
        "PROJECT", "A run of W&B is written, with the scheduler's numbers: PROJECT or ENTITY/PROJECT. Offline without a key."
    ),
]
WandbInterval = Annotated[str, _looking("TIME", "Between two samples of that run.")]
Metrics = Annotated[bool, _looking(None, "Serve GET /metrics for Prometheus.", "--metrics/--no-metrics")]
Otel = Annotated[
    bool, _looking(None, "Export a span of each turn, by OpenTelemetry's OTEL_* variables; needs thunderagent\\[otel].", "--otel")
]
LogLevel = Annotated[
    str, _looking("NAME", f"One of {', '.join(LOG_LEVELS)}; debug: with a line for each change in the life of a run.")
]
LogFormat = Annotated[str, _looking("NAME", f"One of {', '.join(LOG_FORMATS)}; json: one object per line.")]
