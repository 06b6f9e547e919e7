"""The gateway, started: what the user is told before, and when it is up. The same for the command and for recipes."""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

from thunderagent.adapters.engines.standing import EngineStatus
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.whole_file import write_whole
from thunderagent.cli import welcome
from thunderagent.cli.layout import Layout, serve_as
from thunderagent.config import ThunderConfig
from thunderagent.logs import LOG_FORMAT
from thunderagent.tools_config import ToolsConfig

ONE_PROCESS = Layout()
Serve = Callable[..., None]


def start(
    config: ThunderConfig,
    settings: GatewaySettings,
    urls: Sequence[str],
    engine_type: str,
    *,
    log_level: str,
    log_format: str = LOG_FORMAT,
    port_file: Path | None = None,
    tools: ToolsConfig | None = None,
    layout: Layout = ONE_PROCESS,
) -> None:
    """Serve until a signal comes, and show how to use it where there is a terminal.

    Args:
        config: of the scheduler.
        settings: of the gateway.
        urls: of the engines.
        engine_type: what they are.
        log_level: what is logged.
        log_format: and how.
        port_file: gets the gateway's URL once it accepts connections, for programs that start it.
        tools: of sandboxes; None: there are none.
        layout: which processes there are.

    Raises:
        ConfigError: it cannot work, for instance because the port is in use.
    """
    _warn_if_open(settings, "use the engines" if tools is None else "use the engines, and run commands in sandboxes")
    console = Console()

    def on_ready(url: str, engines: Sequence[EngineStatus]) -> None:
        if port_file is not None:
            write_whole(port_file, url)
        welcome.show(url, welcome.found(engines, config.capacity_tokens), config, settings, console)

    if layout.alone:
        from thunderagent.serving import serve  # not before every mistake in the options has been told

        run: Serve = serve
    else:
        run = partial(serve_as, layout)
    run(config, settings, urls, engine_type, log_level=log_level, log_format=log_format, on_ready=on_ready, tools=tools)


def say(kind: str, text: str) -> None:
    """A line for the user that stops nothing."""
    print(f"{kind}: {text}", file=sys.stderr)


def _warn_if_open(settings: GatewaySettings, what: str) -> None:
    if not settings.api_keys and not _is_loopback(settings.host):
        say("warning", f"whoever reaches {settings.host}:{settings.port} may {what}; set API keys to choose who")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
