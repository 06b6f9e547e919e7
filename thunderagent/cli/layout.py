"""Which processes a command runs: one for all, a scheduler with gateways, or one of the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.link.address import Address
from thunderagent.cli.key_sources import LINK_TOKEN_ENV, keys_of_environment, keys_of_file
from thunderagent.config import ThunderConfig
from thunderagent.errors import ConfigError
from thunderagent.tools_config import ToolsConfig

if TYPE_CHECKING:
    from thunderagent.processes.job import OnReady

MAX_GATEWAYS = 256
"""More than any machine has cores to spare."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Without anything given: one process."""

    gateways: int = 1
    """So many on one port, with a scheduler of their own."""
    scheduler: Address | None = None
    """This process is a gateway of the scheduler there."""
    listen: Address | None = None
    """This process is a scheduler, which gateways reach there."""
    token: str = field(default="", repr=False)

    @property
    def alone(self) -> bool:
        """Whether there is one process."""
        return self == Layout()


def layout_of(gateways: int, scheduler: str | None, listen: str | None, token_file: Path | None) -> Layout:
    """
    Raises:
        ConfigError: they do not go together, or a link would be open to everybody.
    """
    if not 0 < gateways <= MAX_GATEWAYS:
        raise ConfigError("--gateways", gateways, f"must be a whole number from 1 to {MAX_GATEWAYS}")
    if scheduler is not None and gateways > 1:
        raise ConfigError("--gateways", gateways, "does not go with --scheduler: start one gateway process for each")
    if scheduler is None and listen is None:
        if token_file is not None:
            raise ConfigError("--link-token-file", token_file, "goes with --scheduler, and with thunderagent scheduler")
        return Layout(gateways)
    option, text = ("--scheduler", scheduler) if scheduler is not None else ("--listen", listen)
    assert text is not None, "one of them is given"
    address = Address.parse(option, text)
    tokens = keys_of_environment(LINK_TOKEN_ENV) if token_file is None else keys_of_file("--link-token-file", token_file)
    if not tokens and not address.private:
        raise ConfigError(option, text, f"other machines reach it: set --link-token-file, or {LINK_TOKEN_ENV}")
    token = tokens[0] if tokens else ""
    return Layout(scheduler=address, token=token) if scheduler is not None else Layout(listen=address, token=token)


def serve_as(
    layout: Layout,
    config: ThunderConfig,
    settings: GatewaySettings,
    urls: Sequence[str],
    engine_type: str,
    *,
    log_level: str,
    log_format: str,
    on_ready: OnReady,
    tools: ToolsConfig | None,
) -> None:
    """As ``serving.serve``, in the processes of this layout.

    Raises:
        ConfigError: something cannot be listened on.
    """
    from thunderagent.processes.job import GatewayJob, Logging, SchedulerJob

    logging = Logging(log_level, log_format)
    if layout.scheduler is not None:
        GatewayJob(settings, logging, layout.scheduler, layout.token).run(on_ready)
        return
    listen = layout.listen or Address()
    scheduler = SchedulerJob(config, settings, tuple(urls), engine_type, logging, listen, layout.token, tools)
    if layout.listen is not None:
        scheduler.run(on_ready)
        return
    from thunderagent.processes.supervisor import supervise

    supervise(scheduler, GatewayJob(replace(settings, admin_port=None), logging, listen), layout.gateways, on_ready)
