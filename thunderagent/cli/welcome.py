"""What a user sees when the gateway is up: where it is, what it found, what to do next."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from thunderagent.adapters.engines.standing import EngineStatus
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.config import ThunderConfig
from thunderagent.core.policies.tr import PUBLISHED_TICK_S

ANYWHERE = ("0.0.0.0", "::")
NOT_YET = "not answering yet"


def found(engines: Iterable[EngineStatus], fixed_tokens: int | None = None) -> dict[str, str]:
    """What is known of each engine, in words; ``fixed_tokens``: the capacity that the user has told."""
    return {engine.url: _words(engine, fixed_tokens) for engine in engines}


def _words(engine: EngineStatus, fixed_tokens: int | None) -> str:
    if not engine.up:
        return NOT_YET
    if fixed_tokens is not None:
        return f"{fixed_tokens:,} tokens of KV cache, as you say"
    tokens = engine.capacity_tokens
    return f"{tokens:,} tokens of KV cache" if tokens else "does not tell its KV capacity: set --capacity-tokens"


def policy_text(config: ThunderConfig) -> str:
    """The policy with what makes it this one."""
    if config.mode == "default":
        return f"default: turns pass through and are measured; routing {config.routing}"
    if config.mode == "cap":
        return f"cap: {config.programs_per_engine} programs per engine"
    if config.mode == "thunder":
        return "thunder"
    decay = "" if config.acting_half_life_s is None else f", tokens in tool calls halve every {config.acting_half_life_s:g} s"
    tick_s = config.tick_s or (PUBLISHED_TICK_S if config.published else None)
    when = "with every event" if tick_s is None else f"every {tick_s:g} s"
    return f"tr{' as published' if config.published else ''}: decides {when}{decay}"


def panel(url: str, engines: Mapping[str, str], config: ThunderConfig, settings: GatewaySettings) -> Panel:
    """The whole of it. ``url`` is where the gateway listens."""
    reachable = reachable_url(url)
    admin = with_port(reachable, settings.admin_port) if settings.admin_port else reachable
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="bold", no_wrap=True)
    rows.add_column(overflow="fold")
    rows.add_row("listens at", url)
    for index, (engine, found) in enumerate(engines.items()):
        style = "yellow" if found == NOT_YET else "green"
        rows.add_row("engines" if index == 0 else "", f"{escape(engine)}  [{style}]{escape(found)}[/]")
    rows.add_row("policy", escape(policy_text(config)))
    rows.add_row("keys", "asked of every client" if settings.api_keys else "none: whoever reaches it may use it")
    rows.add_row("", "")
    rows.add_row("clients", f'[cyan]base_url="{reachable}/v1"[/]')
    rows.add_row("agents", escape('extra_body={"program_id": "my-agent-1"}') + "  one id for all turns of one run")
    rows.add_row("look", f"{admin}/programs" + (f", {admin}/metrics" if settings.metrics else ""))
    return Panel(rows, title="thunderagent", title_align="left", border_style="cyan", expand=False)


def show(url: str, engines: Mapping[str, str], config: ThunderConfig, settings: GatewaySettings, console: Console) -> None:
    """Print it, where somebody sees it."""
    if console.is_terminal:
        console.print(panel(url, engines, config, settings), highlight=False)


def reachable_url(url: str) -> str:
    """An address that clients can use: a gateway that listens everywhere is reached by this machine's name."""
    parts = urlsplit(url)
    if parts.hostname not in ANYWHERE:
        return url
    return f"{parts.scheme}://{socket.gethostname()}:{parts.port}"


def with_port(url: str, port: int) -> str:
    """The same host at another port."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{port}"
