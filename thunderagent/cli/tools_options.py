"""The options of ``thunderagent serve`` for tool environments, and the settings that they come to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thunderagent.cli import units
from thunderagent.errors import ConfigError
from thunderagent.tools_config import TOOL_BACKENDS, ToolsConfig

PANEL = "Sandboxes"
IDLE_TTL = units.seconds_text(ToolsConfig.idle_ttl_s)
NAMES = {
    "tools.backend": "--tools",
    "tools.factory": "--tools",
    "tools.docker_url": "--tools-url",
    "tools.max_memory_bytes": "--tools-max-memory",
    "tools.max_disk_bytes": "--tools-max-disk",
    "tools.max_preparing": "--tools-preparing",
    "tools.idle_ttl_s": "--tools-idle-ttl",
}
"""Options that are not called as the settings that they set."""


def _option(metavar: str, text: str, default: str | None = None) -> typer.models.OptionInfo:
    told = text if default is None else f"{text} [dim]\\[default: {default}][/]"
    option: typer.models.OptionInfo = typer.Option(metavar=metavar, help=told, rich_help_panel=PANEL)
    return option


Tools = Annotated[
    str,
    _option(
        "NAME",
        "What makes sandboxes for programs. docker: a container engine, or podman. bubblewrap: processes of this machine. "
        "module:name: your own code. none: programs get none.",
    ),
]
Image = Annotated[
    str | None,
    _option(
        "NAME",
        "A sandbox from this image is prepared for every new program while its first turn waits.",
        "only what is asked for",
    ),
]
Setup = Annotated[str | None, _option("COMMAND", "Ends the preparation of such a sandbox.", "nothing")]
Url = Annotated[
    str | None,
    _option("URL", "docker: of the Engine API, such as unix:///run/podman/podman.sock.", "DOCKER_HOST, else Docker's own"),
]
Folder = Annotated[Path | None, _option("DIR", "bubblewrap: where sandboxes have their files.", "the user's cache")]
Images = Annotated[
    Path | None,
    _option("DIR", "bubblewrap: clients may name folders in DIR as images.", "--tools-image alone"),
]
MaxSandboxes = Annotated[int | None, _option("N", "Sandboxes that exist at once.", "any number")]
MaxDisk = Annotated[
    str | None, _option("SIZE", "Of sandboxes and their images, the least recently used of which are removed.", "no bound")
]
MaxMemory = Annotated[str | None, _option("SIZE", "Of all sandboxes that say how much they take.", "no bound")]
Preparing = Annotated[int, _option("N", "Preparations at once.")]
IdleTtl = Annotated[str, _option("TIME", "A sandbox that nobody uses is kept for so long for other programs; none: for ever.")]
Ports = Annotated[str | None, _option("FROM-TO", "Ports that programs can lease, such as 20000-20099.", "none")]


def tools_config(
    tools: str,
    *,
    image: str | None,
    setup: str | None,
    url: str | None,
    folder: Path | None,
    images: Path | None,
    max_sandboxes: int | None,
    max_disk: str | None,
    max_memory: str | None,
    preparing: int,
    idle_ttl: str,
    ports: str | None,
) -> ToolsConfig | None:
    """None: there are no sandboxes.

    Raises:
        ConfigError: an option is not usable, or does not go with ``--tools``.
    """
    backend = "callable" if ":" in tools else tools
    if tools == "callable" or backend not in TOOL_BACKENDS:
        raise ConfigError("--tools", tools, "must be none, docker, bubblewrap, or module:name of what makes your own backend")
    some = tuple(name for name in TOOL_BACKENDS if name != "none")
    for option, value, wanted in (
        ("--tools-url", url, ("docker",)),
        ("--tools-folder", folder, ("bubblewrap",)),
        ("--tools-images", images, ("bubblewrap",)),
        ("--tools-image", image, some),
        ("--tools-setup", setup, some),
        ("--tools-max-sandboxes", max_sandboxes, some),
        ("--tools-max-disk", max_disk, some),
        ("--tools-max-memory", max_memory, some),
        ("--tools-ports", ports, some),
    ):
        if value is not None and backend not in wanted:
            with_what = " or ".join(name for name in wanted if name != "callable")
            raise ConfigError(option, value, f"goes with --tools {with_what}, not with --tools {tools}")
    config = ToolsConfig(
        backend=backend,
        docker_url=url,
        folder=None if folder is None else str(folder),
        images=str(images or "") if backend == "bubblewrap" else None,  # any client's, who is not to read all our folders
        factory=tools if backend == "callable" else None,
        image=image or "",
        setup=setup or "",
        max_sandboxes=max_sandboxes,
        max_disk_bytes=None if max_disk is None else units.parse_bytes("--tools-max-disk", max_disk),
        max_memory_bytes=None if max_memory is None else units.parse_bytes("--tools-max-memory", max_memory),
        max_preparing=preparing,
        idle_ttl_s=units.parse_seconds_or_none("--tools-idle-ttl", idle_ttl),
        ports=ports,
    )
    return None if backend == "none" else config
