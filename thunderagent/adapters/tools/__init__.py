"""Tool environments: what makes and runs sandboxes. ``open_tools`` gives the host that the settings describe."""

from __future__ import annotations

from collections.abc import Callable

from thunderagent.adapters.tools.owner import is_dead, new_owner_id
from thunderagent.core.resources import Budgets
from thunderagent.errors import ConfigError
from thunderagent.runtime.tools import SandboxBackend, SandboxProfile, SandboxRequest, ToolHost, ToolSettings
from thunderagent.tools_config import ToolsConfig


def open_backend(config: ToolsConfig) -> SandboxBackend:
    """What makes sandboxes. It need not be reachable yet.

    Raises:
        ConfigError: what it needs is not there.
    """
    if config.backend == "docker":
        try:
            from thunderagent.adapters.tools.docker import DockerBackend
        except ImportError:
            raise ConfigError("tools.backend", "docker", "needs aiodocker: pip install 'thunderagent[tools]'") from None
        return DockerBackend(config.docker_url)
    if config.backend == "bubblewrap":
        from thunderagent.adapters.tools.bubblewrap import BubblewrapBackend

        return BubblewrapBackend(config.folder, config.image_roots())
    if config.backend == "callable":
        from thunderagent.adapters.tools.callables import load_backend

        return load_backend(config.factory or "")
    raise ConfigError("tools.backend", config.backend, "there is none to open")


def open_tools(
    config: ToolsConfig,
    on_sandbox: Callable[[SandboxProfile], None] | None = None,
    *,
    wrap: Callable[[SandboxBackend], SandboxBackend] = lambda backend: backend,
) -> ToolHost:
    """The host of all sandboxes of this process; to be started on its loop.

    Args:
        config: validated settings.
        on_sandbox: called for every sandbox that a program is done with.
        wrap: gets the backend and gives the one that is used, to watch it or to have it fail.

    Raises:
        ConfigError: what its backend needs is not there.
    """
    is_named = bool(config.image or config.setup)
    has_default = is_named or config.backend == "bubblewrap"  # which needs no image: the working tree is empty then
    return ToolHost(
        wrap(open_backend(config)),
        new_owner_id(),
        is_dead=is_dead,
        budgets=Budgets(
            count=config.max_sandboxes,
            memory_bytes=config.max_memory_bytes,
            disk_bytes=config.max_disk_bytes,
            preparing=config.max_preparing,
            idle=config.max_idle,
            idle_ttl_s=config.idle_ttl_s,
        ),
        settings=ToolSettings(prepare_timeout_s=config.prepare_timeout_s, idle_ttl_s=config.program_ttl_s),
        default=SandboxRequest(image=config.image, setup=config.setup) if has_default else None,
        ahead=config.ahead,
        for_every_program=is_named,
        ports=config.port_range(),
        on_sandbox=on_sandbox,
    )
